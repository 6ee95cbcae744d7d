"""What the next flush of a partition sends beside the changelog: interventions and parts."""

from dataclasses import dataclass, field

from processor.engine.joint import Part, encode_part
from processor.errors import StateError
from processor.interventions.message import Fired, encode_message
from processor.limits import PARTS_BYTES_MAX, PROFILE_BYTES_MAX
from processor.metrics import INTERVENTIONS

# Key, value and headers of an intervention.
InterventionMessage = tuple[bytes, bytes, list[tuple[str, bytes]]]
# Key and value of a part.
PartMessage = tuple[bytes, bytes]


@dataclass(slots=True, eq=False)
class Outgoing:
    """Encoded messages in the order in which they came; parts by the partition they go to."""

    interventions: list[InterventionMessage] = field(default_factory=list)
    parts: dict[int, list[PartMessage]] = field(default_factory=dict)
    parts_bytes: int = 0

    @property
    def full(self) -> bool:
        """Whether nothing more should be added before the flush."""
        return self.parts_bytes >= PARTS_BYTES_MAX

    def fire(self, fired: Fired) -> None:
        """Add an intervention."""
        INTERVENTIONS.labels(fired.name).inc()
        headers = [
            ("name", fired.name.encode()),
            ("version", str(fired.version).encode()),
            ("content-type", b"application/json"),
        ]
        self.interventions.append((fired.target_id.encode(), encode_message(fired), headers))

    def send(self, part: Part, partition: int) -> None:
        """Add a part for a target in `partition`.

        Raises:
            StateError: no message can hold it.
        """
        value = encode_part(part)
        if len(value) > PROFILE_BYTES_MAX:
            message = (
                f"what {part.key} says to a rule at {part.target_key} takes {len(value)} bytes"
            )
            raise StateError(message, hint=f"at most {PROFILE_BYTES_MAX} can be written")
        self.parts.setdefault(partition, []).append((part.target_id.encode(), value))
        self.parts_bytes += len(value)
