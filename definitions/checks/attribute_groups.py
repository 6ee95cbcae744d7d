"""What attribute groups must satisfy, alone and together with the other definitions."""

from collections import Counter

from definitions.attribute_groups import AttributeGroup, VersionedLinkAttributeGroup
from definitions.checks.attribute_keys import check_key, check_key_in
from definitions.checks.attributes import check_attribute
from definitions.checks.durations import check_duration
from definitions.directory import Directory, attribute_names, computes, embedded_key
from definitions.objects import place_of
from definitions.problems import ProblemCode, ProblemList, shown_name
from definitions.reading import has


def check_group(group: AttributeGroup, place: str, found: ProblemList) -> None:
    """Check one group by itself. Warehouse groups are only stored: they need not be computable."""
    for name in ("ttl", "refresh_rate"):
        if has(group, name):
            check_duration(getattr(group, name), f"{place} / {name}", found)
    key = embedded_key(group)
    if key is not None:
        check_key(key, f"{place} / attribute_key", found)
    computed = not vars(group).get("offline", False)
    for number, attribute in enumerate(vars(group).get("attributes") or (), start=1):
        name = shown_name(vars(attribute).get("name") or str(number))
        check_attribute(attribute, f"{place} / attribute {name}", found, computed=computed)
    for name, count in Counter(attribute_names(group)).items():
        if count > 1:
            found.add(
                ProblemCode.DUPLICATE_ATTRIBUTE,
                f"{place} / attribute {shown_name(name)}",
                f"{count} attributes have this name",
                hint="give each attribute of the group its own name",
                value=name,
            )


def check_group_in(
    group: AttributeGroup, place: str, found: ProblemList, directory: Directory
) -> None:
    """Check that the group's key is known and agrees with the other definitions of it."""
    key = embedded_key(group)
    if key is None or not has(key, "name"):
        return
    check_key_in(key, f"{place} / attribute_key", found, directory)
    if directory.key_of(group) is None and not vars(group).get("offline", False):
        found.add(
            ProblemCode.UNKNOWN_ATTRIBUTE_KEY,
            f"{place} / attribute_key",
            f"no attribute key {key.name!r} with a property is known",
            hint="give the key a property, or define it"
            + found.near(key.name, directory.attribute_keys),
            value=key.name,
        )


def check_link(
    link: VersionedLinkAttributeGroup,
    place: str,
    found: ProblemList,
    directory: Directory,
    *,
    published: bool,
) -> AttributeGroup | None:
    """The group that a link names; a problem if it is missing, or not live for a live user."""
    group = directory.attribute_groups.get((link.name, link.version))
    if group is None:
        versions = [str(other.version) for other in directory.versions_of(link.name)]
        names = {name for name, _ in directory.attribute_groups}
        known = f"versions are {', '.join(sorted(versions))}" if versions else ""
        found.add(
            ProblemCode.UNKNOWN_GROUP,
            place,
            f"no attribute group {link.name!r} version {link.version} is known",
            hint=known or "define the group" + found.near(link.name, names),
            value=link,
        )
    elif published and not computes(group):
        found.add(
            ProblemCode.UNPUBLISHED_GROUP,
            place,
            f"{place_of(group)} is not published, or not online",
            hint="publish the group first, or together with this",
            value=link,
        )
    return group
