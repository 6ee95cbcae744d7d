"""The closed list of the inputs of the profile stage: each is a topic, and one stage applies it.

A partition of profiles is one partition of each input's topic, all with the same number. One worker
owns them together. One record holds the positions in all of them, and each flush commits them with
the profiles (processor/streaming/profiles/positions.py, flush.py).

The order of the list is fixed. The contributions are the first: faults of a partition, its commit
metadata and its watermark are known under its partition of contributions. Whatever concerns every
input iterates over this list. tests/tidy/test_profile_inputs.py lists the modules that name one.
"""

from enum import Enum

from processor.limits import FRAME_BYTES_MAX, MESSAGE_OVERHEAD_BYTES, PROFILE_BYTES_MAX
from processor.settings import Settings


class ProfileInput(Enum):
    """One input of the profile stage.

    `title` names it in its topic and in positions records, so it never changes. `role` names it in
    metrics. The records of its topic have at most `message_bytes_max` bytes; `purpose` says in
    `processor topics` what they are.
    """

    CONTRIBUTIONS = (
        "contributions", "profiles", FRAME_BYTES_MAX + MESSAGE_OVERHEAD_BYTES,
        "what events add to profiles",
    )  # fmt: skip
    RULES = (
        "rules", "rules", PROFILE_BYTES_MAX + MESSAGE_OVERHEAD_BYTES,
        "what profiles send to rules across attribute keys",
    )  # fmt: skip

    title: str
    role: str
    message_bytes_max: int
    purpose: str

    def __init__(self, title: str, role: str, message_bytes_max: int, purpose: str) -> None:
        self.title = title
        self.role = role
        self.message_bytes_max = message_bytes_max
        self.purpose = purpose

    def topic(self, settings: Settings) -> str:
        """Return the name of its topic, which has as many partitions as there are of profiles."""
        return settings.internal_topic(self.title)
