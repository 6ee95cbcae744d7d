"""Agentic contexts: the last events of a session, with chosen values, for a language model."""

from typing import Annotated

from pydantic import Discriminator, Field, StringConstraints, Tag, model_validator
from pydantic_core import PydanticCustomError

from definitions.attribute_groups import Version
from definitions.attribute_keys import AttributeKey, LinkAttributeKey
from definitions.events import Event
from definitions.limits import (
    DESCRIPTION_CHARS_MAX,
    EVENT_LOG_AGE_S_MAX,
    EVENT_LOG_EVENTS_MAX,
    EVENT_LOG_PROPERTIES_MAX,
    EVENT_LOG_SELECTIONS_MAX,
    OWNER_CHARS_MAX,
    PROMPT_CHARS_MAX,
)
from definitions.model import AtMost, Items, Model, Name, Text
from definitions.properties import AtomicProperty, EntityProperty, EventProperty, property_kind

OutputName = Annotated[Text, StringConstraints(min_length=1, max_length=OWNER_CHARS_MAX)]


class EventLogEvent(Event):
    """Selects events as `Event` does, or all versions of one major version."""

    major_version: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _one_way_to_say_the_version(self) -> "EventLogEvent":
        if self.version is not None and self.major_version is not None:
            code, message = "version_twice", "both version and major_version are given"
            raise PydanticCustomError(code, message)
        return self


class EventLogAtomicProperty(AtomicProperty):
    """A column, under its own name or `output_name`."""

    date_part: None = None
    output_name: OutputName | None = None


class EventLogEventProperty(EventProperty):
    """A value in the event's data, under the last part of its path or `output_name`."""

    date_part: None = None
    output_name: OutputName | None = None


class EventLogEntityProperty(EntityProperty):
    """A value in an entity, under the last part of its path or `output_name`."""

    date_part: None = None
    output_name: OutputName | None = None


EventLogProperty = Annotated[
    Annotated[EventLogAtomicProperty, Tag("atomic")]
    | Annotated[EventLogEventProperty, Tag("event")]
    | Annotated[EventLogEntityProperty, Tag("entity")],
    Discriminator(property_kind),
]


class EventSelection(Model):
    """Events to keep, and which of their values."""

    event: EventLogEvent
    properties: Annotated[Items[EventLogProperty], AtMost(EVENT_LOG_PROPERTIES_MAX)] = Field(
        min_length=1
    )


class EventLog(Model):
    """The last `max_events` events of a session that are not older than `max_age_seconds`.

    Stored and listed; its contents are not computed.
    """

    name: Name
    version: Version = 1
    description: Annotated[Text, StringConstraints(max_length=DESCRIPTION_CHARS_MAX)] | None = None
    owner: Annotated[Text, StringConstraints(max_length=OWNER_CHARS_MAX)] | None = None
    prompt: Annotated[Text, StringConstraints(max_length=PROMPT_CHARS_MAX)] | None = None
    attribute_key: LinkAttributeKey
    events: Annotated[Items[EventSelection], AtMost(EVENT_LOG_SELECTIONS_MAX)] = Field(min_length=1)
    max_events: int = Field(ge=1, le=EVENT_LOG_EVENTS_MAX)
    max_age_seconds: int = Field(ge=1, le=EVENT_LOG_AGE_S_MAX)
    is_published: bool = False

    @model_validator(mode="before")
    @classmethod
    def _key_by_its_name(cls, data: object) -> object:
        if isinstance(data, dict) and isinstance(data.get("attribute_key"), AttributeKey):
            return {**data, "attribute_key": LinkAttributeKey(name=data["attribute_key"].name)}
        return data


def output_name(prop: EventLogProperty) -> str:
    """The name of a value in an entry of the log."""
    if prop.output_name is not None:
        return prop.output_name
    if isinstance(prop, EventLogAtomicProperty):
        return prop.name
    return prop.path.rpartition(".")[2]
