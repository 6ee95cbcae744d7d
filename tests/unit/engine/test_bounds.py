"""What an event may hold: values of every wrong kind contribute nothing and are counted."""

import pytest

from definitions import (
    AtomicProperty,
    CalculatedProperty,
    Criteria,
    Criterion,
    EntityProperty,
    EventProperty,
    domain_userid,
    user_id,
)
from processor.errors import DeadLetterReason, MalformedEventError
from processor.formats import NEWEST_LEVEL
from processor.limits import (
    CONTRIBUTED_TEXT_BYTES_MAX,
    ENTITIES_MAX,
    FRAME_BYTES_MAX,
    INTEGER_MAX,
    JSON_DEPTH_MAX,
    VALUE_CHARS_MAX,
)
from processor.streaming.messages.frames import Section, encode_section
from tests.by_hand import SOURCE

CLICK = EventProperty(vendor="com.acme", name="click", major_version=1, path="v")
THING = EntityProperty(
    vendor="com.acme", name="thing", major_version=1, path="v", index=ENTITIES_MAX
)
DAY = CLICK.model_copy(update={"date_part": "active_day"})
HOUR = AtomicProperty(name="true_tstamp", date_part="hour_of_day")
SUM = CalculatedProperty(operation="sum", properties=[CLICK, CLICK])
JOINED = CalculatedProperty(operation="concat", properties=[CLICK, CLICK])
SHIFTED = CalculatedProperty(operation="concat", properties=[AtomicProperty(name="app_id"), HOUR])
LONG = "x" * VALUE_CHARS_MAX


def click(json_text):
    schema = '{"schema":"iglu:com.acme/click/jsonschema/1-0-0","data":{"v":%s}}'
    return f'{{"schema":"x","data":{schema % json_text}}}'


def things(count):
    one = '{"schema":"iglu:com.acme/thing/jsonschema/1-0-0","data":{"v":1}}'
    return f'{{"schema":"x","data":[{",".join([one] * count)}]}}'


def seen(write, kind, prop, **columns):
    """The value that contributed, else the reason that was counted, else None."""
    plan = write.plan(write.group(write.attribute("a", "last", type=kind, property=prop)))
    found = [
        value
        for one in plan.contributions(write.event(**columns), SOURCE, 0)
        for _, value in one.values
    ]
    counted = plan.take_rejected()
    if found:
        assert counted == {}
        return found[0]
    if not counted:
        return None
    (((name, reason), count),) = counted.items()
    assert (name, count) == ("g_v1:a", 1)
    return f"counted as {reason}"


WRONG = "counted as wrong_type"
REJECTED = "counted as rejected"


@pytest.mark.parametrize(
    ("kind", "prop", "value", "expected"),
    [
        # Types: no text is made a number, no number a text.
        ("double", CLICK, '"5"', WRONG),
        ("double", CLICK, "true", WRONG),
        ("string", CLICK, "5", WRONG),
        ("bool", CLICK, "1", WRONG),
        ("bool", CLICK, '"true"', WRONG),
        ("int64", CLICK, "5.5", WRONG),
        ("int64", CLICK, "5.0", 5),
        ("int64", CLICK, '"5"', WRONG),
        # Missing is not wrong.
        ("double", CLICK, "null", None),
        # Numbers: 64 bit, and finite.
        ("int64", CLICK, str(INTEGER_MAX), INTEGER_MAX),
        ("int64", CLICK, str(-INTEGER_MAX - 1), -INTEGER_MAX - 1),
        ("int64", CLICK, str(INTEGER_MAX + 1), REJECTED),
        ("int64", CLICK, "9" * 5_000, REJECTED),
        ("int64", CLICK, "1e19", REJECTED),
        ("double", CLICK, str(INTEGER_MAX + 1), REJECTED),
        ("double", CLICK, "1e308", 1e308),
        ("double", CLICK, "1e309", REJECTED),
        ("double", CLICK, "-1e309", REJECTED),
        ("string", CLICK, '"Sale \\ud83d"', "Sale \ufffd"),
        # Texts: as long as the bound, in characters.
        ("string", CLICK, '"' + "é" * VALUE_CHARS_MAX + '"', "é" * VALUE_CHARS_MAX),
        ("string", CLICK, '"' + "😀" * VALUE_CHARS_MAX + '"', "😀" * VALUE_CHARS_MAX),
        ("string", CLICK, '"' + "😀" * VALUE_CHARS_MAX + 'x"', REJECTED),
        ("string", CLICK, f'"{LONG}"', LONG),
        ("string", CLICK, f'"{LONG}x"', REJECTED),
        ("string", CLICK, '"' + "x" * 900_000 + '"', REJECTED),
        # Objects and arrays are no values.
        ("string", CLICK, '{"a":1}', REJECTED),
        ("string", CLICK, "[]", REJECTED),
        # Parts of dates.
        ("string", DAY, '"2024-03-15T10:00:00Z"', "2024-03-15"),
        ("string", DAY, '"2024-03-15"', REJECTED),
        ("string", DAY, "5", REJECTED),
        ("string", DAY, "null", None),
        # Calculations.
        ("int64", SUM, "2", 4),
        ("double", SUM, "2.5", 5.0),
        ("double", SUM, '"2"', REJECTED),
        ("int64", SUM, str(INTEGER_MAX), REJECTED),
        ("double", SUM, "1e308", REJECTED),
        ("double", SUM, "null", None),
        ("string", JOINED, '"a"', "aa"),
        ("string", JOINED, "7", "77"),
        ("string", JOINED, "7.5", REJECTED),
        ("string", JOINED, "false", REJECTED),
        ("string", JOINED, f'"{LONG[1:]}"', REJECTED),
    ],
)
def test_a_value_in_json_is_taken_or_counted(write, kind, prop, value, expected):
    assert seen(write, kind, prop, unstruct_event=click(value)) == expected


@pytest.mark.parametrize(
    ("kind", "prop", "columns", "expected"),
    [
        ("double", "se_value", {"se_value": "nan"}, REJECTED),
        ("double", "se_value", {"se_value": "Infinity"}, REJECTED),
        ("double", "se_value", {"se_value": "1e400"}, REJECTED),
        ("double", "se_value", {"se_value": "1" * 900_000}, REJECTED),
        ("int64", "txn_id", {"txn_id": str(INTEGER_MAX + 1)}, REJECTED),
        ("int64", "txn_id", {"txn_id": "1.0"}, REJECTED),
        ("string", "page_title", {"page_title": LONG}, LONG),
        ("string", "page_title", {"page_title": LONG + "x"}, REJECTED),
        ("string", "page_url", {"page_url": "€" * VALUE_CHARS_MAX}, "€" * VALUE_CHARS_MAX),
        ("string", "page_url", {"page_url": "€" * VALUE_CHARS_MAX + "x"}, REJECTED),
        ("double", "page_title", {"page_title": "5"}, WRONG),
        ("bool", "br_cookies", {"br_cookies": "yes"}, REJECTED),
        ("string", "true_tstamp", {"true_tstamp": "2026-02-30 00:00:00"}, REJECTED),
        ("int32", HOUR, {"true_tstamp": "2026-02-28 07:00:00"}, 7),
        ("int32", HOUR, {"true_tstamp": "2026-02-30 07:00:00"}, REJECTED),
        ("int32", HOUR, {}, None),
        ("string", SHIFTED, {"app_id": "shop", "true_tstamp": "2026-02-28 07:00:00"}, "shop7"),
        ("string", SHIFTED, {"app_id": "shop", "true_tstamp": "2026-02-30 07:00:00"}, REJECTED),
        ("string", SHIFTED, {"app_id": "shop"}, "shop"),
    ],
)
def test_a_value_in_a_column_is_taken_or_counted(write, kind, prop, columns, expected):
    where = AtomicProperty(name=prop) if isinstance(prop, str) else prop
    assert seen(write, kind, where, **columns) == expected


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "nul", "01", '"\\x"'])
def test_what_is_not_json_is_the_events_fault(write, text):
    with pytest.raises(MalformedEventError) as caught:
        seen(write, "double", CLICK, unstruct_event=click(text))
    assert caught.value.reason is DeadLetterReason.JSON


def test_json_that_is_too_deep_is_the_events_fault(write):
    deep = "[" * JSON_DEPTH_MAX + "]" * JSON_DEPTH_MAX
    with pytest.raises(MalformedEventError) as caught:
        seen(write, "double", CLICK, unstruct_event=click(deep))
    assert caught.value.reason is DeadLetterReason.JSON
    assert "deeper" in caught.value.detail


def test_entities_beyond_those_that_are_looked_at_are_counted(write):
    last_read = THING.model_copy(update={"index": ENTITIES_MAX - 1})
    many, allowed = things(ENTITIES_MAX + 1), things(ENTITIES_MAX)
    assert seen(write, "int64", last_read, contexts=many) == 1
    assert seen(write, "int64", THING, contexts=many) == REJECTED
    assert seen(write, "int64", last_read, contexts=allowed) == 1
    assert seen(write, "int64", THING, contexts=allowed) is None


def test_a_string_of_ten_megabytes_makes_the_record_too_large(write):
    with pytest.raises(MalformedEventError) as caught:
        seen(write, "string", CLICK, unstruct_event=click('"' + "x" * 10_000_000 + '"'))
    assert caught.value.reason is DeadLetterReason.TOO_LARGE


def test_a_rejected_value_is_counted_for_every_attribute_that_it_would_have_fed(write):
    attributes = [
        write.attribute("a", "last", type="double", property=CLICK),
        write.attribute("b", "sum", type="double", property=CLICK),
        write.attribute("c", "last", type="string", property=CLICK),
        write.attribute("d"),
    ]
    plan = write.plan(write.group(*attributes))
    event = write.event(unstruct_event=click("[1]"))
    assert len(plan.contributions(event, SOURCE, 0)[0].values) == 1
    plan.contributions(event, SOURCE, 1)
    assert plan.take_rejected() == {(f"g_v1:{name}", "rejected"): 2 for name in "abc"}
    assert plan.take_rejected() == {}


def last_of(write, name, column):
    """Attributes that look at the same events share what they contribute: this one has its own."""
    other = Criterion.neq(AtomicProperty(name="event_name"), name)
    prop = AtomicProperty(name=column)
    return write.attribute(
        name, "last", type="string", property=prop, criteria=Criteria(all=[other])
    )


@pytest.mark.parametrize(("texts", "kept"), [(100, 100), (192, 191), (600, 191)])
def test_of_too_many_long_texts_in_one_event_those_beyond_a_frame_are_counted(write, texts, kept):
    longest = "😀" * VALUE_CHARS_MAX
    long = [last_of(write, f"long{at}", "page_url") for at in range(texts)]
    short = last_of(write, "short", "page_title")
    plan = write.plan(write.group(*long, short, write.attribute("n")))
    (found,) = plan.contributions(write.event(page_url=longest, page_title="short"), SOURCE, 0)
    values = [value for _, value in found.values]
    assert (values.count(longest), values.count("short"), values.count(None)) == (kept, 1, 1)
    rejected = plan.take_rejected()
    assert len(rejected) == texts - kept
    assert all(reason == "rejected" for _, reason in rejected)
    section = Section("t" * 22, 1023, INTEGER_MAX, INTEGER_MAX, INTEGER_MAX, [found])
    assert len(encode_section(section, NEWEST_LEVEL)) < FRAME_BYTES_MAX


def test_long_texts_are_bounded_over_all_profiles_that_get_them(write):
    plan = write.plan(
        *(
            write.group(
                *(last_of(write, f"a{at}", "page_url") for at in range(100)),
                name=name,
                attribute_key=key,
            )
            for name, key in (("g", domain_userid), ("h", user_id))
        )
    )
    event = write.event(page_url="😀" * VALUE_CHARS_MAX, user_id="me")
    found = plan.contributions(event, SOURCE, 0)
    texts = [value for one in found for _, value in one.values]
    assert [len(one.values) for one in found] == [96, 96]
    assert sum(len(text.encode()) for text in texts) <= CONTRIBUTED_TEXT_BYTES_MAX
    assert len(plan.take_rejected()) == 2 * 4
