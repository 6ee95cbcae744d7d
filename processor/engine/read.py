"""The values of attributes as an application reads them."""

from collections.abc import Sequence

from processor.aggregates import Result
from processor.engine.attribute import CompiledAttribute
from processor.engine.coverage import Coverage
from processor.engine.profile import Profile


def read_values(
    profile: Profile | None, attributes: Sequence[CompiledAttribute], now_ms: int
) -> list[Result]:
    """Return the value of each attribute at `now_ms`, or its default if it has no result.

    The profile is None if there is none with that id.
    """
    if profile is None:
        return [attribute.default for attribute in attributes]
    return [attribute.read(profile, now_ms) for attribute in attributes]


def read_attributes(
    profile: Profile | None, attributes: Sequence[CompiledAttribute], now_ms: int
) -> dict[str, Result]:
    """Return the values at `now_ms` by attribute name; the names must differ."""
    values = read_values(profile, attributes, now_ms)
    names = [attribute.name for attribute in attributes]
    return dict(zip(names, values, strict=True))


def read_since(
    coverage: Coverage, attributes: Sequence[CompiledAttribute], now_ms: int
) -> dict[str, int]:
    """Return, for attributes whose values at `now_ms` are incomplete, since when they are complete.

    The keys are full names; the times are event times.
    """
    found = ((one.full_name, coverage.since_ms(one, now_ms)) for one in attributes)
    return {name: since_ms for name, since_ms in found if since_ms is not None}
