"""What attribute keys must satisfy, alone and together with the other definitions."""

from definitions.attribute_keys import AttributeKey
from definitions.checks.durations import check_duration
from definitions.checks.properties import check_key_property
from definitions.directory import Directory
from definitions.problems import ProblemCode, ProblemList
from definitions.reading import has


def check_key(key: AttributeKey, place: str, found: ProblemList) -> None:
    """Check one key by itself, registered or inside a group."""
    if has(key, "property") and key.property is not None:
        check_key_property(key.property, f"{place} / property", found)
    if has(key, "ttl"):
        check_duration(key.ttl, f"{place} / ttl", found)


def check_key_in(key: AttributeKey, place: str, found: ProblemList, directory: Directory) -> None:
    """Check that every definition of a key has the same property."""
    if not has(key, "name") or key.resolved_property is None:
        return
    other = directory.property_of(key.name)
    if other is not None and other != key.resolved_property:
        found.add(
            ProblemCode.ATTRIBUTE_KEY_CONFLICT,
            f"{place} / property",
            f"attribute key {key.name!r} is defined elsewhere with another property",
            hint="use the same property everywhere, or another name",
            value=key.resolved_property,
        )
