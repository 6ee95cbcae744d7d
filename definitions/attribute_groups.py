"""Versioned sets of attributes with one attribute key."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, EmailStr, StringConstraints
from pydantic import Field as ModelField

from definitions.attribute_keys import AttributeKey, LinkAttributeKey
from definitions.attribute_types import AttributeType
from definitions.attributes import Attribute
from definitions.limits import ATTRIBUTES_PER_GROUP_MAX, OWNER_CHARS_MAX, VERSION_MAX
from definitions.model import AtMost, Duration, Items, Model, Name, Text
from definitions.reader import AttributeReader

Version = Annotated[int, ModelField(ge=0, le=VERSION_MAX)]
DatabaseName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", min_length=1)]
ColumnName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]+$", min_length=1)]


def _key_of_link(value: Any) -> Any:  # unchecked input
    return AttributeKey(name=value.name) if isinstance(value, LinkAttributeKey) else value


def _utc(value: datetime) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=UTC)


class VersionedLinkAttributeGroup(Model):
    """An attribute group by its name and version."""

    name: Name
    version: Version = 1


class BatchSource(Model):
    """The warehouse table that a batch group is loaded from."""

    name: Name
    timestamp_field: ColumnName
    description: Text | None = None
    owner: Annotated[Text, StringConstraints(max_length=OWNER_CHARS_MAX)] | None = None
    database: DatabaseName
    schema_: ColumnName = ModelField(alias="schema")
    table: ColumnName


class Field(Model):
    """A column of the warehouse table, served as an attribute."""

    name: Name
    description: Text | None = None
    type: AttributeType


Attributes = Annotated[Items[Attribute], AtMost(ATTRIBUTES_PER_GROUP_MAX)]
Fields = Annotated[Items[Field], AtMost(ATTRIBUTES_PER_GROUP_MAX)]


class AttributeGroup(Model):
    """What the three kinds of attribute groups have in common."""

    name: Name
    version: Version = 1
    attribute_key: Annotated[AttributeKey, BeforeValidator(_key_of_link)]
    ttl: Duration | None = None
    batch_source: BatchSource | None = None
    online: bool = True
    offline: bool = False
    description: Text | None = None
    owner: EmailStr
    fields: Fields | None = None
    attributes: Attributes | None = None
    is_published: bool = False
    backfill_since_tstamp: Annotated[datetime, AfterValidator(_utc)] | None = None
    refresh_rate: Duration | None = None

    def get_attributes(
        self, signals: AttributeReader, identifier: str, attribute_key: str | None = None
    ) -> dict[str, Any]:  # values of any type
        """Its attributes, or fields, for one id, by name; None if there is no value.

        `attribute_key` is by default the attribute key of the group.
        """
        names = [attribute.name for attribute in self.attributes or ()]
        return signals.get_group_attributes(
            name=self.name,
            version=self.version,
            attributes=names + [field.name for field in self.fields or ()],
            attribute_key=attribute_key or self.attribute_key.name,
            identifier=identifier,
        )


class StreamAttributeGroup(AttributeGroup):
    """Attributes computed from the stream of events, as they come."""

    offline: Literal[False] = False
    batch_source: None = None
    fields: None = None
    attributes: Attributes = ModelField(min_length=1)


class BatchAttributeGroup(AttributeGroup):
    """Attributes computed from events in the warehouse: registered, not computed."""

    offline: Literal[True] = True
    fields: None = None
    attributes: Attributes = ModelField(min_length=1)


class ExternalBatchAttributeGroup(AttributeGroup):
    """Columns of an existing warehouse table: registered, not loaded."""

    offline: Literal[True] = True
    fields: Fields = ModelField(min_length=1)
    attributes: None = None
    batch_source: BatchSource


def link_of_group(value: Any) -> Any:  # unchecked input
    """The link to a group, if a group is given; any other value unchanged."""
    if isinstance(value, AttributeGroup):
        return VersionedLinkAttributeGroup(name=value.name, version=value.version)
    return value


GroupLink = Annotated[VersionedLinkAttributeGroup, BeforeValidator(link_of_group)]
