"""Event selectors: which events an attribute looks at, by vendor, name and version."""

from collections.abc import Callable, Sequence

import definitions
from processor.errors import DefinitionError

SelectorTest = Callable[[str, str, str], bool]


def compile_selectors(selectors: Sequence[definitions.Event]) -> SelectorTest:
    """Return the test of (vendor, name, version): any selector matches, or there is none.

    A selector matches when every part that it gives is equal.
    """
    for selector in selectors:
        if selector.event_specification_id is not None:
            message = f"event specification {selector.event_specification_id!r} is not computed"
            raise DefinitionError(message, hint="select by vendor, name and version")
    wanted = [(selector.vendor, selector.name, selector.version) for selector in selectors]
    if not wanted:
        return lambda _vendor, _name, _version: True

    def matches(vendor: str, name: str, version: str) -> bool:
        return any(
            wanted_vendor in {None, vendor}
            and wanted_name in {None, name}
            and wanted_version in {None, version}
            for wanted_vendor, wanted_name, wanted_version in wanted
        )

    return matches
