"""Interventions as applications send and receive them, and their targets."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue, RootModel

from definitions.limits import VERSION_MAX
from definitions.model import Name

Identifiers = Annotated[list[str], Field(min_length=1)]


class AttributeKeyIdentifiers(RootModel[dict[str, Identifiers]]):
    """Ids by attribute key: `AttributeKeyIdentifiers({"domain_userid": ["ID"]})`."""

    model_config = ConfigDict(frozen=True)
    root: Annotated[dict[str, Identifiers], Field(min_length=1, max_length=100)]


Targets = AttributeKeyIdentifiers | Mapping[str, Sequence[str]]


class TargetAttributeKey(BaseModel):
    """For whom an intervention is."""

    model_config = ConfigDict(frozen=True)

    name: str
    id: str


class InterventionInstance(BaseModel):
    """An intervention that was received, or is to be pushed.

    Values of attributes that were received are text: numbers, booleans, lists and maps as their
    JSON; an attribute without a value is not there.
    """

    model_config = ConfigDict(frozen=True)

    name: Name
    version: Annotated[int, Field(ge=0, le=VERSION_MAX)]
    intervention_id: str | None = None
    attributes: dict[str, JsonValue] | None = None
    target_attribute_key: TargetAttributeKey | None = None


def identifiers(targets: Targets) -> dict[str, list[str]]:
    """The ids by attribute key; raises pydantic's ValidationError, a ValueError."""
    if isinstance(targets, AttributeKeyIdentifiers):
        return targets.root
    given = {key: list(ids) for key, ids in targets.items()}
    return AttributeKeyIdentifiers(given).root
