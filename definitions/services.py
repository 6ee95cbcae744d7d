"""Named, pinned sets of attribute groups to read."""

from typing import Any

from pydantic import EmailStr, Field

from definitions.attribute_groups import GroupLink
from definitions.limits import GROUPS_PER_SERVICE_MAX
from definitions.model import Items, Model, Name, Text
from definitions.reader import AttributeReader


class Service(Model):
    """The attribute groups, each in one version, that an application reads in one call."""

    name: Name
    description: Text | None = None
    attribute_groups: Items[GroupLink] = Field(min_length=1, max_length=GROUPS_PER_SERVICE_MAX)
    owner: EmailStr
    is_published: bool = False

    def get_attributes(
        self, signals: AttributeReader, attribute_key: str, identifier: str
    ) -> dict[str, Any]:  # values of any type
        """Its attributes for one id, by name; None where there is no value."""
        return signals.get_service_attributes(
            name=self.name, attribute_key=attribute_key, identifier=identifier
        )
