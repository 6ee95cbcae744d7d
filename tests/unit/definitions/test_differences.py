"""What publishing would change."""

from datetime import timedelta

import pytest

from definitions.catalog import Catalog
from definitions.differences import Outcome, differences

GROUP = "attribute_group/g/1"


def catalog(*objects):
    return Catalog.empty().with_objects(objects)


@pytest.mark.parametrize(
    ("before", "after", "outcome", "fields"),
    [
        (None, {}, "new", ()),
        ({}, {}, "unchanged", ()),
        ({}, {"is_published": False}, "unchanged", ()),
        ({}, {"description": "d", "owner": "b@c.com"}, "changed", ("owner", "description")),
        ({}, {"online": False}, "changed", ("online",)),
        ({"is_published": False}, {}, "changed", ("is_published",)),
        (
            {"is_published": False},
            {"names": ("n", "m"), "ttl": timedelta(days=1)},
            "changed",
            ("is_published", "attribute m", "ttl"),
        ),
        ({"names": ("n", "m")}, {"names": ("m", "n")}, "changed", ("order of attributes",)),
        ({}, {"names": ("m",)}, "refused", ()),
    ],
)
def test_outcome_and_fields(write, before, after, outcome, fields):
    old = Catalog.empty() if before is None else catalog(write.group(**before))
    (found,) = differences(old, [write.group(**after)]).definitions
    assert (found.record, found.outcome.value) == (GROUP, outcome)
    assert sorted(found.fields) == sorted(fields)
    assert bool(found.problems) == (outcome == "refused")


def test_an_attribute_is_named_when_only_its_description_changes(write):
    described = write.group(attributes=[write.counter("n", description="d")])
    (found,) = differences(catalog(write.group()), [described]).definitions
    assert found.fields == ("attribute n",)


def test_a_definition_that_would_become_wrong_is_refused_beside_them(write):
    old = catalog(write.group(names=("n", "m"), is_published=False), write.rule("g:m"))
    found = differences(old, [write.group()])
    assert [(one.record, one.outcome) for one in found.definitions] == [
        (GROUP, Outcome.CHANGED),
        ("intervention/r/1", Outcome.REFUSED),
    ]
    assert found.refused


def test_consequences_for_what_stays(write):
    old = catalog(write.group(), write.group("h"), write.service(("h", 1)), write.rule())
    found = differences(old, [write.group(version=2), write.group("h", online=False)])
    assert not found.refused
    assert found.stopped == ("attribute_group/h/1", "service/s")
    assert [(one.record, one.version_after) for one in found.moved] == [("intervention/r/1", 2)]
