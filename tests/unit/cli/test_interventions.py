import json

from processor.cli.interventions import described, read_message, why

BECAUSE = {
    "attribute": "cart:value",
    "group_version": 1,
    "operator": ">",
    "value": 100,
    "before": 80.0,
    "after": 129.5,
}
MESSAGE = {
    "name": "cart_nudge",
    "version": 2,
    "target_attribute_key": {"name": "domain_userid", "id": "8b1"},
    "fired_at": "2020-01-01T10:00:00.123Z",
    "because": [BECAUSE],
}


def test_a_criterion_reads_from_before_to_after():
    assert why(BECAUSE) == "cart:value 80 → 129.5 (> 100)"


def test_a_value_that_stayed_is_told_once():
    assert why({**BECAUSE, "before": 129.5}) == "cart:value 129.5 (> 100)"


def test_a_criterion_that_had_to_be_unmet_says_not():
    assert why({**BECAUSE, "before": 101, "after": 99}) == "cart:value 101 → 99 (not > 100)"


def test_what_must_change_reads_from_before_to_after():
    assert (
        why({**BECAUSE, "operator": "changed", "value": None}) == "cart:value 80 → 129.5 (changed)"
    )


def test_a_missing_value_is_nothing():
    missing = {**BECAUSE, "operator": "is not null", "value": None, "before": None, "after": "x"}
    assert why(missing) == "cart:value nothing → x (is not null)"


def test_a_line_says_when_which_for_whom_and_why():
    line = described(MESSAGE).plain
    assert "cart_nudge v2" in line
    assert "for domain_userid 8b1" in line
    assert line.endswith("because cart:value 80 → 129.5 (> 100)")
    assert line.startswith("20")


def test_a_record_of_somebody_else_is_no_intervention():
    for value in (None, b"", b"{", b"[]", b'{"data": 1}', b'{"data": {"name": "x"}}'):
        assert read_message(value) is None
    assert read_message(json.dumps({"data": MESSAGE}).encode()) == MESSAGE
