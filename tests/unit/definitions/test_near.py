from definitions.limits import NEAR_CHARS_MAX, NEAR_KNOWN_MAX
from definitions.near import close_names, near_names


def test_names_that_are_written_alike_come_with_the_closest_first():
    assert close_names("pice", ["name", "price", "prices", "rice"])[0] in {"price", "rice"}
    assert "name" not in close_names("pice", ["name", "price", "prices", "rice"])


def test_the_end_of_a_hint_names_them():
    assert near_names("pric", ["price"]) == "; did you mean price?"
    assert near_names("zzz", ["price"]) == ""


def test_a_name_that_is_too_long_is_like_none():
    long = "n" * (NEAR_CHARS_MAX + 1)
    assert close_names(long, [long]) == []


def test_of_very_many_names_those_of_about_its_length_are_compared():
    known = [f"{'x' * 40}{number}" for number in range(2 * NEAR_KNOWN_MAX)]
    assert close_names("price", [*known, "prices"]) == ["prices"]
