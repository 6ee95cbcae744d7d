"""About how many bytes of memory a decoded profile's head takes, computed within microseconds."""

from processor.engine.profile import ProfileHead
from processor.windows import SUMMARY_BYTES, weight

# An empty profile: the objects and maps of profile, head and parts, the readers of parts, its
# prefix and its place among the others.
EMPTY_PROFILE_BYTES = 2_400
# A number as the value of a number in a map.
_PAIR_BYTES = 96
# A window without entries: the object, its lists, and the names of the families.
_WINDOW_BYTES = 560
# An entry: two places in lists, and the time.
_ENTRY_BYTES = 48
_FIRING_BYTES = 200
# A state in a summary: a number, or a list of one.
_SMALL_STATE_BYTES = 90
# An instance of a joint rule without its last parts.
_INSTANCE_BYTES = 900


def head_weight(head: ProfileHead) -> int:
    """Return about how many bytes a profile takes without its parts."""
    known = EMPTY_PROFILE_BYTES + len(head.id_hashes) * 2
    known += (len(head.seen) + len(head.timers)) * _PAIR_BYTES
    if head.slots:
        known += len(head.slots) * _PAIR_BYTES + weight(head.slots)
    for window in head.windows.values():
        values, children = window.values, window.children
        known += _WINDOW_BYTES
        if values:  # the last value represents the others
            known += len(values) * (_ENTRY_BYTES + weight(values[-1]))
        if children:
            known += len(children) * (SUMMARY_BYTES + len(children[0].states) * _SMALL_STATE_BYTES)
    if head.firings:
        known += len(head.firings) * _FIRING_BYTES
    for instances in head.joints.values():
        known += sum(_INSTANCE_BYTES + one.size for one in instances)
    return known
