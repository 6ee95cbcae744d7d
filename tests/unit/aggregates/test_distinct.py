import pytest

from processor.aggregates.distinct import key_of, keys_of, text_of, value_of


@pytest.mark.parametrize("value", [True, False, 0, 1, 2.5, "", "true", -(2**63)])
def test_a_value_comes_back_from_its_key(value):
    assert repr(value_of(key_of(value))) == repr(value)
    assert keys_of([value]) == [key_of(value)]


def test_booleans_are_no_numbers():
    assert len({key_of(value) for value in (1, 1.0, True, 0, False, "1")}) == 5


def test_the_text_of_a_string_is_itself_and_of_others_json():
    assert [text_of(key_of(value)) for value in ("a b", True, 5, 2.5)] == [
        "a b",
        "true",
        "5",
        "2.5",
    ]
