"""The subset of JSONPath that properties use."""

import pytest

from definitions.paths import parse_path


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("type", ("type",)),
        ("$.price", ("price",)),
        ("a.b-c.d_e", ("a", "b-c", "d_e")),
        ("items[0].sku", ("items", 0, "sku")),
        ("$.grid[1][22]", ("grid", 1, 22)),
        ("größe.$ref", ("größe", "$ref")),
    ],
)
def test_names_dots_and_indexes_are_read(path, steps):
    assert parse_path(path) == steps


@pytest.mark.parametrize(
    "path",
    [
        "",
        "$",
        "$.",
        "a[*]",
        "a.*",
        "$..a",
        "a..b",
        "a[-1]",
        "a['b']",
        'a["b"]',
        "a[",
        "a]",
        "a[0]b",
        "[0]",
        "$[0]",
        "$a",
        ".a",
        "a.",
        "a[1:2]",
        "a[?(@.b)]",
        "a\n",
        "a[0000000]",
    ],
)
def test_anything_else_is_refused(path):
    with pytest.raises(ValueError, match="not a property path"):
        parse_path(path)
