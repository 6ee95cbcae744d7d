"""Short ways to write definitions for tests of many of them beside each other."""

import pytest

from definitions import (
    AtomicProperty,
    Attribute,
    AttributeKey,
    BatchAttributeGroup,
    InterventionCriterion,
    RuleIntervention,
    Service,
    StreamAttributeGroup,
    VersionedLinkAttributeGroup,
    domain_userid,
)

OWNER = "a@example.com"


class Write:
    """Definitions with their dull parts filled in; published where nothing else is said."""

    @staticmethod
    def key(name="app", column="app_id", **fields):
        fields.setdefault("is_published", True)
        return AttributeKey(name=name, property=AtomicProperty(name=column), **fields)

    @staticmethod
    def counter(name, **fields):
        return Attribute(name=name, type="int32", aggregation="counter", events=[], **fields)

    @classmethod
    def group(cls, name="g", version=1, names=("n",), **fields):
        fields.setdefault("attribute_key", domain_userid)
        fields.setdefault("is_published", True)
        fields.setdefault("attributes", [cls.counter(one) for one in names])
        fields.setdefault("owner", OWNER)
        kind = BatchAttributeGroup if fields.pop("batch", False) else StreamAttributeGroup
        return kind(name=name, version=version, **fields)

    @staticmethod
    def service(*links, name="s", **fields):
        fields.setdefault("is_published", True)
        groups = [VersionedLinkAttributeGroup(name=one, version=of) for one, of in links]
        return Service(name=name, owner=OWNER, attribute_groups=groups, **fields)

    @staticmethod
    def rule(attribute="g:n", name="r", version=1, **fields):
        fields.setdefault("is_published", True)
        criterion = InterventionCriterion(attribute=attribute, operator=">", value=3)
        return RuleIntervention(
            name=name, version=version, owner=OWNER, criteria=criterion, **fields
        )


@pytest.fixture
def write():
    return Write
