"""Bodies of requests that refuse a misspelt field.

A field that is written nearly like one of ours is a mistake: it would be ignored, and the answer
would be another one than was asked for. Any other field that we do not know is ignored: newer
clients may send more, as the official SDK may.
"""

from typing import Any, Final, Self

from pydantic import BaseModel, ModelWrapValidatorHandler, model_validator

from definitions.near import close_names

# How much of a name must agree, and how many unknown names of a body are looked at.
_NEAR: Final = 0.8
_LOOKED_AT_MAX: Final = 20


class KnownFields(BaseModel):
    """A body of a request whose unknown fields are compared with its own."""

    @model_validator(mode="wrap")
    @classmethod
    def _no_misspelt_field(cls, raw: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if isinstance(raw, dict):
            unknown = [name for name in raw if name not in cls.model_fields]
            for name in unknown[:_LOOKED_AT_MAX]:
                near = close_names(name, cls.model_fields, count=1, cutoff=_NEAR)
                if near:
                    message = f"there is no field {name!r} - did you mean {near[0]!r}?"
                    raise ValueError(message)
        return handler(raw)
