"""A rule compiled: what it reads, when it is met, and what it says when it fires.

The id of an intervention is made of the rule and the event alone, so that it is the same for every
target and every time that it is computed again.
"""

import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from processor.aggregates import Value
from processor.interventions.message import Because
from processor.interventions.tree import Tree, Values

# Reads an attribute of a profile at a time in ms. Any: the profile is known further up.
Reader = Callable[[Any, int], Value]


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A published rule.

    `series_ids` are the series that its criteria read: their greatest event time is its `now`.
    `timeless`: nothing that it reads depends on the time. `readers` read its attributes in the
    order that `tree` knows them, and `reads` are the series of each, None for one that has none;
    `payload` are the labelled readers of the message's attributes.
    """

    name: str
    version: int
    target_key: str
    series_ids: tuple[int, ...]
    timeless: bool
    readers: tuple[Reader, ...]
    reads: tuple[int | None, ...]
    tree: Tree
    payload: tuple[tuple[str, Reader], ...]

    def because(self, before: Values, after: Values) -> list[Because]:
        """Return what decided, for values that do not meet the criteria and values that do."""
        return [
            Because(
                leaf.attribute,
                leaf.group_version,
                leaf.operator,
                leaf.value,
                before[leaf.position],
                after[leaf.position],
            )
            for leaf in self.tree.deciding(after)
        ]


def intervention_id(name: str, version: int, event_id: str) -> str:
    """Return the UUID of a firing of the rule by the event."""
    text = f"{name}\n{version}\n{event_id}"
    digest = hashlib.sha256(text.encode()).digest()
    return str(uuid.UUID(bytes=digest[:16], version=5))
