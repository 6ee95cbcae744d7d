"""What keys, groups and services must satisfy, alone and beside the other definitions."""

from collections import Counter

from definitions.attribute_checks import check_attribute
from definitions.attribute_groups import AttributeGroup, VersionedLinkAttributeGroup
from definitions.attribute_keys import AttributeKey
from definitions.directory import Directory, attribute_names, computes, embedded_key
from definitions.near import near_names
from definitions.objects import place_of
from definitions.problems import ProblemCode, ProblemList
from definitions.property_checks import check_duration, check_key_property
from definitions.reading import has
from definitions.services import Service


def check_key(key: AttributeKey, place: str, found: ProblemList) -> None:
    """One key by itself, registered or inside of a group."""
    if has(key, "property") and key.property is not None:
        check_key_property(key.property, f"{place} / property", found)
    if has(key, "ttl"):
        check_duration(key.ttl, f"{place} / ttl", found)


def check_key_in(key: AttributeKey, place: str, found: ProblemList, directory: Directory) -> None:
    """Whether every definition of a key says the same property."""
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


def check_group(group: AttributeGroup, place: str, found: ProblemList) -> None:
    """One group by itself. Warehouse groups are stored, so they may hold what is not computed."""
    for name in ("ttl", "refresh_rate"):
        if has(group, name):
            check_duration(getattr(group, name), f"{place} / {name}", found)
    key = embedded_key(group)
    if key is not None:
        check_key(key, f"{place} / attribute_key", found)
    computed = not vars(group).get("offline", False)
    for number, attribute in enumerate(vars(group).get("attributes") or (), start=1):
        name = vars(attribute).get("name") or str(number)
        check_attribute(attribute, f"{place} / attribute {name}", found, computed=computed)
    for name, count in Counter(attribute_names(group)).items():
        if count > 1:
            found.add(
                ProblemCode.DUPLICATE_ATTRIBUTE,
                f"{place} / attribute {name}",
                f"{count} attributes have this name",
                hint="give each attribute of the group its own name",
                value=name,
            )


def check_group_in(
    group: AttributeGroup, place: str, found: ProblemList, directory: Directory
) -> None:
    """Whether the group's key is known and says what others say of it."""
    key = embedded_key(group)
    if key is None or not has(key, "name"):
        return
    check_key_in(key, f"{place} / attribute_key", found, directory)
    if directory.key_of(group) is None and not vars(group).get("offline", False):
        found.add(
            ProblemCode.UNKNOWN_ATTRIBUTE_KEY,
            f"{place} / attribute_key",
            f"no attribute key {key.name!r} with a property is known",
            hint="give the key a property, or define it" + near_names(key.name, _keys(directory)),
            value=key.name,
        )


def check_service_in(
    service: Service, place: str, found: ProblemList, directory: Directory
) -> None:
    """Whether the service's groups are there, live where it is live, and have distinct names."""
    if not has(service, "attribute_groups"):
        return
    named = Counter((link.name, link.version) for link in service.attribute_groups)
    seen: dict[tuple[str, str], AttributeGroup] = {}
    for (name, version), count in named.items():
        link = VersionedLinkAttributeGroup(name=name, version=version)
        where = f"{place} / attribute group {name} v{version}"
        if count > 1:
            found.add(
                ProblemCode.DUPLICATE_OBJECT,
                where,
                f"the group is named {count} times",
                hint="name it once",
                value=link,
            )
        published = bool(vars(service).get("is_published"))
        group = check_link(link, where, found, directory, published=published)
        if group is not None:
            _check_names_of_service(group, where, found, directory, seen)


def check_link(
    link: VersionedLinkAttributeGroup,
    place: str,
    found: ProblemList,
    directory: Directory,
    *,
    published: bool,
) -> AttributeGroup | None:
    """The group that a link names; a problem where it is not there, or not live for a live user."""
    group = directory.attribute_groups.get((link.name, link.version))
    if group is None:
        versions = [str(other.version) for other in directory.versions_of(link.name)]
        names = {name for name, _ in directory.attribute_groups}
        known = f"versions are {', '.join(sorted(versions))}" if versions else ""
        found.add(
            ProblemCode.UNKNOWN_GROUP,
            place,
            f"no attribute group {link.name!r} version {link.version} is known",
            hint=known or "define the group" + near_names(link.name, names),
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


def _check_names_of_service(
    group: AttributeGroup,
    place: str,
    found: ProblemList,
    directory: Directory,
    seen: dict[tuple[str, str], AttributeGroup],
) -> None:
    key = directory.key_of(group) or embedded_key(group)
    key_name = str(vars(key).get("name")) if key is not None else ""
    for name in dict.fromkeys(attribute_names(group)):
        other = seen.setdefault((key_name, name), group)
        if other is not group:
            found.add(
                ProblemCode.DUPLICATE_ATTRIBUTE,
                f"{place} / attribute {name}",
                f"{place_of(other)} has an attribute of this name for the same key",
                hint="rename one of them, or leave one group out of the service",
                value=name,
            )


def _keys(directory: Directory) -> list[str]:
    return list(directory.attribute_keys)
