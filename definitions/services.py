"""Named, pinned sets of attribute groups to read."""

from typing import Annotated, Any

from pydantic import EmailStr, Field

from definitions.attribute_groups import GroupLink
from definitions.limits import GROUPS_PER_SERVICE_MAX
from definitions.model import AtMost, Items, Model, Name, Text
from definitions.reader import AttributeReader


class Service(Model):
    """The attribute groups, each in one version, that an application reads in one call."""

    name: Name
    description: Text | None = None
    attribute_groups: Annotated[Items[GroupLink], AtMost(GROUPS_PER_SERVICE_MAX)] = Field(
        min_length=1
    )
    owner: EmailStr
    is_published: bool = False

    def get_attributes(
        self, signals: AttributeReader, attribute_key: str, identifier: str
    ) -> dict[str, Any]:  # values of any type
        """Its attributes for one id, by name; None if there is no value."""
        return signals.get_service_attributes(
            name=self.name, attribute_key=attribute_key, identifier=identifier
        )
