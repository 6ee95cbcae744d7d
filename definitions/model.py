"""The base of all definitions: frozen pydantic models that warn about fields they do not know."""

import difflib
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
    StringConstraints,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from definitions.limits import NAME_CHARS_MAX

Name = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_]+$", min_length=1, max_length=NAME_CHARS_MAX)
]
SchemaName = Annotated[
    str, StringConstraints(pattern=r"^[a-zA-Z0-9_-]+$", min_length=1, max_length=NAME_CHARS_MAX)
]
Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
Duration = timedelta

_Item = TypeVar("_Item")
# Any sequence is taken; a tuple is kept, so that definitions can be hashed and never change.
Items = Annotated[Sequence[_Item], AfterValidator(tuple)]

Scalar = str | int | FiniteFloat | bool
Value = Scalar | Items[Scalar]

# Validation context under which unknown fields give no warning: they have been warned about.
QUIET: Final[Mapping[str, bool]] = {"quiet": True}


@dataclass(frozen=True, slots=True)
class Mistake:
    """A constructor call that was wrong: of which class, with which arguments."""

    kind: str
    arguments: Mapping[str, Any]  # as they were given
    error: ValidationError


_collected: ContextVar[list[Mistake] | None] = ContextVar("_collected", default=None)


class UnknownFieldWarning(UserWarning):
    """A definition has a field that we do not know and ignore: a typo, or a newer SDK."""


@contextmanager
def collected_mistakes() -> Iterator[list[Mistake]]:
    """Within this context a wrong constructor call is noted instead of raised.

    The object then holds what it was given, unchecked, so that the code which builds definitions
    runs to its end; `Catalog.problems` finds every mistake in it. Yields the list of mistakes.
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

    # Nested models are validated by pydantic itself; only direct calls come through __init__.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]  # a mark pydantic reads

    @model_validator(mode="before")
    @classmethod
    def _warn_about_unknown_fields(cls, data: Any, info: ValidationInfo) -> Any:  # unchecked input
        if isinstance(data, Mapping) and info.context is not QUIET:
            known = {field.alias or name for name, field in cls.model_fields.items()}
            for field in data:
                if field not in known:
                    message = _unknown_field(cls.__name__, data.get("name"), str(field), known)
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
    near = difflib.get_close_matches(field, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(sorted(known))}"
    return f"field {field!r} of {owner} is not known and has no effect: {hint}"
