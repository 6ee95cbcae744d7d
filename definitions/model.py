"""The base of all definitions: frozen pydantic models that warn about unknown fields."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Final, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    FiniteFloat,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticKnownError
from pydantic_core.core_schema import no_info_before_validator_function

from definitions.limits import CRITERION_VALUES_MAX, NAME_CHARS_MAX, UNKNOWN_FIELDS_MAX
from definitions.near import close_names

Name = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_]+$", min_length=1, max_length=NAME_CHARS_MAX)
]
SchemaName = Annotated[
    str, StringConstraints(pattern=r"^[a-zA-Z0-9_-]+$", min_length=1, max_length=NAME_CHARS_MAX)
]
Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
Duration = timedelta

_Item = TypeVar("_Item")
# Any sequence is accepted; a tuple is kept, so that definitions can be hashed and never change.
Items = Annotated[Sequence[_Item], AfterValidator(tuple)]


@dataclass(frozen=True, slots=True)
class AtMost:
    """The maximum number of items in a list, counted before any item is validated."""

    most: int

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:  # a type
        """Put the count before the validation of the list."""
        return no_info_before_validator_function(self._count, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Put the bound into the JSON Schema."""
        return {**handler(schema), "maxItems": self.most}

    def _count(self, items: Any) -> Any:  # unchecked input
        if isinstance(items, list | tuple) and len(items) > self.most:
            kind: Final = "too_long"
            context = {"field_type": "List", "max_length": self.most, "actual_length": len(items)}
            raise PydanticKnownError(kind, context)
        return items


Scalar = str | int | FiniteFloat | bool
Value = Scalar | Annotated[Items[Scalar], AtMost(CRITERION_VALUES_MAX)]

# Validation context in which unknown fields give no warning, because one was already given.
QUIET: Final[Mapping[str, bool]] = {"quiet": True}


@dataclass(frozen=True, slots=True)
class Mistake:
    """An invalid constructor call: the class, and the arguments."""

    kind: str
    arguments: Mapping[str, Any]  # as they were given
    error: ValidationError


_collected: ContextVar[list[Mistake] | None] = ContextVar("_collected", default=None)


class UnknownFieldWarning(UserWarning):
    """A definition has an unknown field, which is ignored: a typo, or a newer SDK."""


@contextmanager
def collected_mistakes() -> Iterator[list[Mistake]]:
    """Within this context, an invalid constructor call is noted and does not raise.

    The object then holds its arguments, unchecked, so that the code that builds definitions runs to
    its end; `Catalog.problems` finds every mistake in it. Yields the list of mistakes.
    """
    mistakes: list[Mistake] = []
    token = _collected.set(mistakes)
    try:
        yield mistakes
    finally:
        _collected.reset(token)


class Model(BaseModel):
    """A frozen definition or a part of one; its JSON is the registry's."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    def __init__(self, /, **data: Any) -> None:  # values of any type are checked here
        try:
            super().__init__(**data)
        except ValidationError as error:
            mistakes = _collected.get()
            if mistakes is None:
                raise
            mistakes.append(Mistake(type(self).__name__, data, error))
            _fill(self, type(self).model_construct(**data))

    # Pydantic itself validates nested models; only direct calls use __init__.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]  # a mark pydantic reads

    @model_validator(mode="before")
    @classmethod
    def _warn_about_unknown_fields(cls, data: Any, info: ValidationInfo) -> Any:  # unchecked input
        if isinstance(data, Mapping) and info.context is not QUIET:
            known = {field.alias or name for name, field in cls.model_fields.items()}
            unknown = [str(field) for field in data if field not in known]
            for field in unknown[:UNKNOWN_FIELDS_MAX]:
                message = _unknown_field(cls.__name__, data.get("name"), field, known)
                warnings.warn(message, UnknownFieldWarning, stacklevel=4)
        return data

    def registry_json(self) -> dict[str, Any]:  # JSON values
        """The registry JSON: aliases, ISO 8601 durations, absent fields left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


def _fill(target: BaseModel, source: BaseModel) -> None:
    for slot in ("__dict__", "__pydantic_fields_set__", "__pydantic_extra__"):
        object.__setattr__(target, slot, getattr(source, slot))
    object.__setattr__(target, "__pydantic_private__", source.__pydantic_private__)


def _unknown_field(kind: str, name: object, field: str, known: set[str]) -> str:
    owner = f"{kind} {name!r}" if name else kind
    near = close_names(field, known, count=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(sorted(known))}"
    return f"field {field!r} of {owner} is not known and has no effect: {hint}"
