"""Direct interventions: a client pushes them to targets that it names, without a rule."""

import asyncio
import json
import uuid
from collections.abc import Iterable
from typing import Annotated, Any, Literal

import structlog
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
)

from definitions.limits import VERSION_MAX
from processor.api.backend import Backend
from processor.api.http.forwarding import Forwarder
from processor.api.http.known_fields import KnownFields
from processor.api.subscriptions.subscription import Target
from processor.clock import wall_ms
from processor.errors import BrokerError, ForwardError, NotReadyError, UsageError
from processor.interventions import Pushed, encode_pushed
from processor.limits import NAME_CHARS_MAX
from processor.metrics import INTERVENTIONS_PUSHED
from processor.request_limits import (
    LISTENERS_WAIT_S,
    PUSH_BYTES_MAX,
    PUSH_NAME_CHARS_MAX,
    PUSH_VALUES_MAX,
)

log = structlog.get_logger(__name__)


def _counted(attributes: Any) -> Any:  # unchecked input
    """Refuse more values than a push may have before any of them is checked."""
    if isinstance(attributes, dict):
        inside = (value for value in attributes.values() if isinstance(value, list | dict))
        total = len(attributes) + sum(map(len, inside))
        if total > PUSH_VALUES_MAX:
            message = f"it has {total} values, including those in lists and maps: too many"
            message = f"{message} - push at most {PUSH_VALUES_MAX}"
            raise ValueError(message)
    return attributes


def _is_json(value: Any) -> Any:  # a JSON value
    """Return a value that JSON and UTF-8 can represent; raise ValueError for any other."""
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        message = "it has a value that JSON cannot represent: NaN, infinity, or half of a character"
        raise ValueError(message) from None
    return value


Scalar = StrictStr | StrictBool | StrictInt | StrictFloat | None
Value = Scalar | list[Scalar] | dict[str, Scalar]
AttributeName = Annotated[str, Field(min_length=1, max_length=PUSH_NAME_CHARS_MAX)]


class InterventionInstance(KnownFields):
    """A direct intervention. The query names its targets."""

    name: str = Field(pattern=rf"^[A-Za-z0-9_]{{1,{NAME_CHARS_MAX}}}$")
    version: StrictInt = Field(ge=0, le=VERSION_MAX)
    attributes: Annotated[
        dict[AttributeName, Value] | None, BeforeValidator(_counted), AfterValidator(_is_json)
    ] = None
    intervention_id: uuid.UUID | None = Field(
        None, description="an id of your own, to recognise a push that was sent again"
    )


class PushResult(BaseModel):
    """`undelivered`: written to the topic, but no known subscriber follows any of the targets."""

    status: Literal["success", "undelivered", "failure"]
    intervention_id: str
    error: str | None = None


class Pusher:
    """Writes direct interventions to the topic, and finds out whether they have subscribers."""

    def __init__(self, backend: Backend, forwarder: Forwarder) -> None:
        self._backend = backend
        self._forwarder = forwarder

    async def push(self, instance: InterventionInstance, targets: Iterable[Target]) -> PushResult:
        """Push to each target.

        Raises:
            UsageError: all messages together are too large.
        """
        told_id = str(instance.intervention_id or uuid.uuid4())
        messages = _messages(instance, sorted(targets), told_id)
        heard, failure = await asyncio.gather(self._is_heard(targets), self._written(messages))
        status: Literal["success", "undelivered", "failure"] = "success" if heard else "undelivered"
        if failure is not None:
            status = "failure"
        INTERVENTIONS_PUSHED.labels(status).inc()
        return PushResult(status=status, intervention_id=told_id, error=failure)

    async def _written(self, messages: list[tuple[Pushed, bytes]]) -> str | None:
        try:
            await self._backend.write_interventions(messages)
        except BrokerError as error:
            log.warning("push_failed", error=str(error))
            return str(error)
        return None

    async def _is_heard(self, targets: Iterable[Target]) -> bool:
        """Return whether a worker reports in time a subscriber for one of the targets."""
        if self._backend.subscriptions.listens(targets):
            return True
        asked = [
            asyncio.ensure_future(self._is_heard_at(url, targets))
            for url in self._backend.other_urls()
        ]
        try:
            for answer in asyncio.as_completed(asked):
                if await answer:
                    return True
        finally:
            for one in asked:
                one.cancel()
        return False

    async def _is_heard_at(self, url: str, targets: Iterable[Target]) -> bool:
        try:
            return await self._forwarder.is_heard(url, list(targets), timeout_s=LISTENERS_WAIT_S)
        except (NotReadyError, ForwardError) as error:
            log.warning("listeners_not_known", worker=url, error=str(error))
            return False


def _messages(
    instance: InterventionInstance, targets: Iterable[Target], told_id: str
) -> list[tuple[Pushed, bytes]]:
    now_ms = wall_ms()
    attributes = instance.attributes or {}
    pushed = [
        Pushed(instance.name, instance.version, told_id, key, id_, attributes, now_ms)
        for key, id_ in targets
    ]
    first = encode_pushed(pushed[0])
    if len(first) * len(pushed) > PUSH_BYTES_MAX:
        message = f"{len(pushed)} messages of {len(first)} bytes are too many for one push"
        raise UsageError(message, hint="push to fewer ids at once")
    return [(one, encode_pushed(one)) for one in pushed]
