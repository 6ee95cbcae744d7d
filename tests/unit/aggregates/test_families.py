from processor.aggregates import AGGREGATES


def test_every_family_stands_under_its_own_name():
    assert {name: family.name for name, family in AGGREGATES.items()} == {
        name: name for name in ("counter", "sum", "mean", "min", "max", "first", "last")
    }
