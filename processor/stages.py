"""The two stages of stream processing: each is a process of its own and has a consumer group.

The source stage keeps the group that carries the application's id, because its commits hold the
epochs and watermarks of the source. The profile stage commits offsets for their lag alone.
"""

from enum import StrEnum

from processor.profile_inputs import ProfileInput
from processor.settings import Settings

# Kafka takes names of 249 characters.
_NAME_CHARS_MAX = 240


class Stage(StrEnum):
    """A stage; the value names it in settings, metrics, group members and logs."""

    SOURCE = "source"
    PROFILES = "profiles"

    def group(self, settings: Settings) -> str:
        """Return the name of its consumer group."""
        app_id = settings.app_id
        return app_id if self is Stage.SOURCE else f"{app_id}-{self.value}"

    def member_name(self, settings: Settings) -> str:
        """Return the static name in its group: one per process, the same after a restart."""
        return f"{settings.member_name[-_NAME_CHARS_MAX:]}-{self.value}"

    def topics(self, settings: Settings) -> tuple[str, ...]:
        """Return the topics that its group reads."""
        if self is Stage.SOURCE:
            return (settings.enriched_topic,)
        return tuple(one.topic(settings) for one in ProfileInput)

    @property
    def other(self) -> "Stage":
        """The other stage."""
        return Stage.PROFILES if self is Stage.SOURCE else Stage.SOURCE
