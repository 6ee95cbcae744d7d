from definitions.aggregations import AGGREGATIONS
from processor.aggregates import AGGREGATES, FAMILIES


def test_every_aggregation_stands_under_its_own_name():
    assert {name: one.name for name, one in AGGREGATES.items()} == {
        name: name for name in AGGREGATIONS
    }


def test_aggregations_of_one_family_share_what_makes_their_state():
    for one in AGGREGATES.values():
        family = FAMILIES[one.family]
        assert (one.add, one.merge) == (family.add, family.merge) or one is family
        assert (one.gather, one.size, one.end) == (family.gather, family.size, family.end)
