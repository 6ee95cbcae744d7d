from typing import get_args

import pytest

from definitions.attribute_types import (
    DOMAINS,
    LISTS,
    MAP,
    SCALARS,
    AttributeType,
    ValueDomain,
    item_type,
    value_fits,
)


def test_a_type_holds_one_value_or_a_list_or_a_map():
    assert sorted(get_args(AttributeType)) == sorted((*SCALARS, *LISTS, *MAP))
    assert set(DOMAINS.values()) == set(get_args(ValueDomain))


@pytest.mark.parametrize("kind", sorted(LISTS))
def test_the_items_of_a_list_are_of_a_type_that_holds_one_value(kind):
    assert item_type(kind) in SCALARS


@pytest.mark.parametrize("kind", ["int32", "dict", "timestamp"])
def test_any_other_type_is_its_own_item_type(kind):
    assert item_type(kind) == kind


@pytest.mark.parametrize(
    ("kind", "value", "fits"),
    [
        ("string", "a", True),
        ("timestamp", "2026-03-04", True),
        ("bytes", 1, False),
        ("bool", True, True),
        ("bool", 1, False),
        ("int32", True, False),
        ("int32", 2**31 - 1, True),
        ("int32", 2**31, False),
        ("int64", -(2**63), True),
        ("int64", 2**63, False),
        ("int64", 1.0, False),
        ("double", 1, True),
        ("double", 1.5, True),
        ("unix_timestamp", "1", False),
    ],
)
def test_a_value_fits_its_type(kind, value, fits):
    assert value_fits(kind, value) is fits
