import pytest

from definitions import Event
from processor.criteria import compile_selectors
from processor.errors import DefinitionError


def test_no_selector_matches_every_event():
    assert compile_selectors([])("v", "n", "1-0-0")


def test_the_parts_of_a_selector_must_all_be_equal():
    matches = compile_selectors([Event(vendor="com.a", name="n", version="1-0-0")])
    assert matches("com.a", "n", "1-0-0")
    assert not matches("com.b", "n", "1-0-0")
    assert not matches("com.a", "m", "1-0-0")
    assert not matches("com.a", "n", "1-0-1")


def test_one_of_several_selectors_is_enough():
    matches = compile_selectors([Event(name="a"), Event(vendor="com.b")])
    assert matches("com.x", "a", "1-0-0")
    assert matches("com.b", "x", "1-0-0")
    assert not matches("com.x", "x", "1-0-0")


def test_an_empty_selector_matches_every_event():
    assert compile_selectors([Event()])("v", "n", "1-0-0")


def test_an_event_specification_is_refused():
    with pytest.raises(DefinitionError, match="abc"):
        compile_selectors([Event(event_specification_id="abc")])
