import pytest

from processor.collector.queries import query_fields
from processor.limits import QUERY_FIELDS_MAX


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("", {}),
        ("a=1&b=2", {"a": "1", "b": "2"}),
        ("a=1&a=2", {"a": "2"}),
        ("a=x%20y+z", {"a": "x y z"}),
        ("a=%FF", {"a": "\ufffd"}),
        ("a=", {}),
    ],
)
def test_fields_are_read_as_text(query, fields):
    assert query_fields(query) == fields


def test_fields_without_a_value_are_kept_if_asked_for():
    assert query_fields("a=&b", keep_blank=True) == {"a": "", "b": ""}


def test_as_many_fields_as_may_be_are_read():
    query = "&".join(f"f{number}=1" for number in range(QUERY_FIELDS_MAX))
    assert len(query_fields(query)) == QUERY_FIELDS_MAX


def test_more_fields_are_refused():
    query = "&".join(f"f{number}=1" for number in range(QUERY_FIELDS_MAX + 1))
    with pytest.raises(ValueError, match="fields"):
        query_fields(query)
