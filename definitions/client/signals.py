"""The client, with the calls and arguments of the official SDK."""

import ssl
import weakref
from collections.abc import Iterable, Sequence
from datetime import timedelta
from types import TracebackType
from typing import Any, Literal, Self, cast
from urllib.parse import quote

from pydantic import TypeAdapter

from definitions.attribute_groups import AttributeGroup
from definitions.client.connection import Connection
from definitions.client.instances import InterventionInstance, Targets, identifiers
from definitions.client.stored import Stored
from definitions.client.subscription import InterventionsSubscription
from definitions.objects import Definition

_HOUR = timedelta(hours=1)
_RETRY_S = 10.0
_DURATION = TypeAdapter(timedelta)

Attributes = dict[str, Any]  # values of any type, by name


class Signals:
    """A connection to the workers of an application, or to the balancer in front of them.

    It also accepts the arguments of the official SDK: `api_key` is then the token, and `api_key_id`
    and `org_id` are not needed. It can be used from any thread; `close`, or `with`, ends it.

    Args:
        api_url: such as http://127.0.0.1:8080.
        token: one of PROCESSOR_API_TOKENS; none if that setting is empty.
        api_key: the same as `token`.
        api_key_id: has no effect.
        org_id: has no effect.
        retry_s: how long a call is retried while workers answer "not now" (503).
        verify: how TLS certificates are checked, as in httpx.

    Raises (all methods):
        SignalsError: the call failed; the error states why, and what to do.
    """

    def __init__(  # noqa: PLR0913 - as many as the official SDK has, and our own
        self,
        *,
        api_url: str,
        token: str = "",
        api_key: str = "",
        api_key_id: str = "",
        org_id: str = "",
        retry_s: float = _RETRY_S,
        verify: ssl.SSLContext | bool = True,
    ) -> None:
        self._connection = Connection(api_url, token or api_key, retry_s=retry_s, verify=verify)
        self._stored = Stored(self._connection)
        self._closed = weakref.finalize(self, self._connection.client.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; subscriptions continue until they are stopped."""
        self._closed()

    def publish(self, objects: Iterable[Definition]) -> list[Definition]:
        """Store definitions and put them in force, one after another in the order of needs.

        The order is keys, groups, services, interventions, event logs. The first refusal ends the
        call; definitions before it are in force.

        Returns:
            What is stored now, in that order.
        """
        return self._stored.put(objects, published=True)

    def unpublish(self, objects: Iterable[Definition]) -> list[Definition]:
        """Take definitions out of force, in the same order; they stay stored.

        Returns:
            What is stored now, in that order.
        """
        return self._stored.put(objects, published=False)

    def delete(self, objects: Iterable[Definition]) -> None:
        """Remove unpublished definitions permanently, each before what it needs."""
        self._stored.delete(objects)

    def get_attribute_group(self, name: str, version: int | None = None) -> AttributeGroup:
        """A stored attribute group, by default in its latest version."""
        path = f"registry/attribute_groups/{quote(name, safe='')}"
        if version is not None:
            path += f"/versions/{version}"
        return cast("AttributeGroup", self._stored.get(path))

    def test(
        self,
        attribute_group: AttributeGroup,
        attribute_key_ids: Sequence[str] | None = None,
        app_ids: Sequence[str] | None = None,
        window: timedelta = _HOUR,
    ) -> list[Attributes]:
        """What a group would have computed from the events of the last `window`.

        Publishes nothing. Every profile starts empty at the beginning of the window.

        Args:
            attribute_group: a stream group, published or not.
            attribute_key_ids: ids to return, at most 50; if there are none, ten random ids.
            app_ids: count only events of these applications, at most 10; if there are none, of all.
            window: how far back to read, as far as the topic goes back.

        Returns:
            A row for each id that has a value: the attributes by their names, and the id by the
            name of the attribute key. `pandas.DataFrame` accepts these rows.
        """
        body = {
            "attribute_group": attribute_group.registry_json(),
            "attribute_key_ids": list(attribute_key_ids or ()),
            "app_ids": list(app_ids or ()),
            "window": _DURATION.dump_python(window, mode="json"),
        }
        rows: list[Attributes] = self._connection.call("POST", "testing/attribute_groups/", body)
        return rows

    def get_service_attributes(self, name: str, attribute_key: str, identifier: str) -> Attributes:
        """The attributes of a service for one id, by name, and the id by the name of its key.

        An attribute without a value is None.
        """
        return self._read({"service": name}, attribute_key, identifier)

    def get_group_attributes(
        self,
        name: str,
        version: int,
        attributes: list[str] | str,
        attribute_key: str,
        identifier: str,
    ) -> Attributes:
        """Attributes of a group for one id, by name, and the id by the name of its key.

        An attribute without a value is None.
        """
        wanted = [attributes] if isinstance(attributes, str) else attributes
        full_names = [f"{name}_v{version}:{attribute}" for attribute in wanted]
        return self._read({"attributes": full_names}, attribute_key, identifier)

    def push_intervention(
        self, targets: Targets, intervention: InterventionInstance
    ) -> Literal["success", "undelivered", "failure"]:
        """Send an intervention to some ids, without a rule.

        Args:
            targets: ids by attribute key, at most 100.
            intervention: its own targets are ignored.

        Returns:
            `success`: a subscriber follows one of the targets. `undelivered`: it is in the topic,
            and no subscriber is known to follow the targets. `failure`: not all of it is in the
            topic.
        """
        body = intervention.model_dump(mode="json", exclude_none=True)
        answer = self._connection.call("POST", "interventions", body, identifiers(targets))
        status: Literal["success", "undelivered", "failure"] = answer["status"]
        return status

    def pull_interventions(self, targets: Targets) -> InterventionsSubscription:
        """Follow the interventions of some ids: use the result with `with`, or `start` and `stop`.

        Args:
            targets: ids by attribute key, at most 100.
        """
        return InterventionsSubscription(self._connection, identifiers(targets))

    def _read(self, what: dict[str, Any], attribute_key: str, identifier: str) -> Attributes:
        body = {"attribute_keys": {attribute_key: [identifier]}, **what}
        columns = self._connection.call("POST", "get-online-attributes", body)
        return {name: values[0] if values else None for name, values in columns.items()}
