"""What services must satisfy together with the groups that they name."""

from collections import Counter

from definitions.attribute_groups import AttributeGroup, VersionedLinkAttributeGroup
from definitions.checks.attribute_groups import check_link
from definitions.directory import Directory, attribute_names, embedded_key
from definitions.objects import place_of
from definitions.problems import ProblemCode, ProblemList
from definitions.reading import has
from definitions.services import Service


def check_service_in(
    service: Service, place: str, found: ProblemList, directory: Directory
) -> None:
    """Check that the service's groups exist, are live if it is, and have distinct names."""
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
