"""What the next flush of a partition sends beside the changelog.

Interventions, parts, and dead letters of what could not be applied.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from processor.engine import Part, encode_part
from processor.errors import StateError
from processor.interventions import Fired, encode_message
from processor.limits import OUTGOING_BYTES_MAX, PROFILE_BYTES_MAX
from processor.metrics import INTERVENTIONS

# Key, value and headers of an intervention.
InterventionMessage = tuple[bytes, bytes, list[tuple[str, bytes]]]
# Key and value of a part.
PartMessage = tuple[bytes, bytes]


@dataclass(slots=True, eq=False)
class Outgoing:
    """Encoded messages in the order in which they were added; parts by their target partition.

    `format_level` is the level of the parts; `size` is the bytes of all messages.
    """

    format_level: int
    interventions: list[InterventionMessage] = field(default_factory=list)
    parts: dict[int, list[PartMessage]] = field(default_factory=dict)
    size: int = 0
    # Keys and values.
    dead_letters: list[tuple[bytes, bytes]] = field(default_factory=list)

    @property
    def full(self) -> bool:
        """Whether no more messages should be added before the flush."""
        return self.size >= OUTGOING_BYTES_MAX

    @property
    def some(self) -> bool:
        """Whether there is anything to send."""
        return bool(self.interventions or self.parts or self.dead_letters)

    def add(self, fired: Sequence[Fired], parts: Sequence[tuple[int, Part]]) -> None:
        """Add interventions, and parts with the partition of their targets: all or none.

        Raises:
            StateError: no message can hold a part.
        """
        interventions = [_intervention(one) for one in fired]
        encoded = [(partition, self._part(part)) for partition, part in parts]
        for one in fired:
            INTERVENTIONS.labels(one.name).inc()
        self.interventions += interventions
        self.size += sum(len(message) for _, message, _ in interventions)
        for partition, message in encoded:
            self.parts.setdefault(partition, []).append(message)
            self.size += len(message[1])

    def refuse(self, key: bytes, value: bytes) -> None:
        """Add a dead letter."""
        self.dead_letters.append((key, value))
        self.size += len(value)

    def _part(self, part: Part) -> PartMessage:
        value = encode_part(part, self.format_level)
        if len(value) > PROFILE_BYTES_MAX:
            message = (
                f"the part of {part.key} for a rule at {part.target_key} has {len(value)} bytes"
            )
            raise StateError(message, hint=f"at most {PROFILE_BYTES_MAX} can be written")
        return part.target_id.encode(), value


def _intervention(fired: Fired) -> InterventionMessage:
    headers = [
        ("name", fired.name.encode()),
        ("version", str(fired.version).encode()),
        ("content-type", b"application/json"),
    ]
    return fired.target_id.encode(), encode_message(fired), headers
