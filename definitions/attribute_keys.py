"""The identifiers by which profiles are kept."""

import builtins
from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from definitions.limits import NAME_CHARS_MAX, OWNER_CHARS_MAX
from definitions.model import Duration, Model, Name, Text
from definitions.properties import ATOMIC_FIELDS, AtomicProperty, LeafProperty


class LinkAttributeKey(Model):
    """An attribute key by its name."""

    name: Name


def _some_name(name: Any) -> Any:  # unchecked input
    if name == "":
        code, message = "key_name_missing", "a name, a property or an external_column is needed"
        raise PydanticCustomError(code, message)
    return name


class AttributeKey(Model):
    """An identifier: a column, or a property of the event or of an entity.

    The name is derived where it is not given: from `external_column`, the column's name, or the
    last part of the property's path.
    """

    name: Annotated[
        Name,
        BeforeValidator(_some_name),
        Field(validate_default=True, json_schema_extra=lambda schema: schema.pop("default", None)),
    ] = ""
    description: Text | None = None
    key: Name | None = None
    external_column: Annotated[Text | None, Field(max_length=NAME_CHARS_MAX)] = None
    property: LeafProperty | None = None
    owner: Annotated[Text, StringConstraints(max_length=OWNER_CHARS_MAX)] | None = None
    ttl: Duration | None = None
    is_published: bool = False

    @model_validator(mode="before")
    @classmethod
    def _name_follows_from_the_rest(cls, data: Any) -> Any:  # unchecked input
        if not isinstance(data, Mapping) or data.get("name") is not None:
            return data
        name = data.get("external_column") or _property_name(data.get("property"))
        return {**data, "name": name or ""}

    @model_validator(mode="after")
    def _name_is_the_external_column(self) -> "AttributeKey":
        if self.external_column and self.external_column != self.name:
            code = "key_name_differs"
            message = "name and external_column differ"
            raise PydanticCustomError(code, message)
        return self

    @builtins.property
    def resolved_property(self) -> LeafProperty | None:
        """Where events carry the identifier: `property`, else the column named by `key` or `name`.

        None if neither is a column: the key is then a link to a registered key.
        """
        fields = vars(self)  # fields that could not be read are missing
        if fields.get("property") is not None:
            return self.property
        column = fields.get("key") or fields.get("name")
        return AtomicProperty(name=column) if column in ATOMIC_FIELDS else None


def _property_name(value: Any) -> str | None:  # unchecked input
    if isinstance(value, Mapping):
        path, name = value.get("path"), value.get("name")
    else:
        path, name = getattr(value, "path", None), getattr(value, "name", None)
    if isinstance(path, str):
        return path.rpartition(".")[2]
    return name if isinstance(name, str) else None


user_id = AttributeKey(name="user_id", key="user_id", description="The user, as you name them.")
domain_userid = AttributeKey(
    name="domain_userid", key="domain_userid", description="The browser, by its first-party cookie."
)
domain_sessionid = AttributeKey(
    name="domain_sessionid", key="domain_sessionid", description="One session of a browser."
)
network_userid = AttributeKey(
    name="network_userid",
    key="network_userid",
    description="The browser, to the collector.",
)
user_attribute_key = AttributeKey(
    name="user", key="domain_userid", description="Older name of domain_userid."
)
session_attribute_key = AttributeKey(
    name="session", key="domain_sessionid", description="Older name of domain_sessionid."
)

BUILT_IN_KEYS: Final[Mapping[str, AttributeKey]] = {
    key.name: key
    for key in (
        user_id,
        domain_userid,
        domain_sessionid,
        network_userid,
        user_attribute_key,
        session_attribute_key,
    )
}
