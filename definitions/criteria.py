"""Which of the selected events count: comparisons of their properties with values."""

from collections.abc import Sequence
from typing import Annotated

from definitions.limits import CRITERIA_MAX
from definitions.model import AtMost, Items, Model, Scalar, Value
from definitions.operators import CriterionOperator
from definitions.properties import Property


class Criterion(Model):
    """One comparison of a property of the event with a value."""

    property: Property
    operator: CriterionOperator
    value: Value | None = None

    @classmethod
    def eq(cls, property: Property, value: Scalar) -> "Criterion":  # noqa: A002 - SDK argument
        """The property equals the value."""
        return cls(property=property, operator="=", value=value)

    @classmethod
    def neq(cls, property: Property, value: Scalar) -> "Criterion":  # noqa: A002 - SDK argument
        """The property exists and does not equal the value."""
        return cls(property=property, operator="!=", value=value)

    @classmethod
    def gt(cls, property: Property, value: float | str) -> "Criterion":  # noqa: A002 - SDK argument
        """The property is greater than the value."""
        return cls(property=property, operator=">", value=value)

    @classmethod
    def gte(cls, property: Property, value: float | str) -> "Criterion":  # noqa: A002 - SDK argument
        """The property is at least the value."""
        return cls(property=property, operator=">=", value=value)

    @classmethod
    def lt(cls, property: Property, value: float | str) -> "Criterion":  # noqa: A002 - SDK argument
        """The property is less than the value."""
        return cls(property=property, operator="<", value=value)

    @classmethod
    def lte(cls, property: Property, value: float | str) -> "Criterion":  # noqa: A002 - SDK argument
        """The property is at most the value."""
        return cls(property=property, operator="<=", value=value)

    @classmethod
    def like(cls, property: Property, value: str) -> "Criterion":  # noqa: A002 - SDK argument
        r"""The property matches a pattern: `%` any run, `_` one character, `\` escapes."""
        return cls(property=property, operator="like", value=value)

    @classmethod
    def in_list(
        cls,
        property: Property,  # noqa: A002 - SDK argument
        values: Sequence[Scalar],
    ) -> "Criterion":
        """The property equals one of the values."""
        return cls(property=property, operator="in", value=values)

    @classmethod
    def is_null(cls, property: Property) -> "Criterion":  # noqa: A002 - SDK argument
        """The event does not carry the property."""
        return cls(property=property, operator="is null")

    @classmethod
    def is_not_null(cls, property: Property) -> "Criterion":  # noqa: A002 - SDK argument
        """The event carries the property."""
        return cls(property=property, operator="is not null")


class Criteria(Model):
    """Every criterion of `all` and at least one of `any`; an absent list asks for nothing."""

    all: Annotated[Items[Criterion], AtMost(CRITERIA_MAX)] | None = None
    any: Annotated[Items[Criterion], AtMost(CRITERIA_MAX)] | None = None
