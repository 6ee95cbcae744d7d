from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from definitions import AtomicProperty, CalculatedProperty, EntityProperty, EventProperty
from definitions.properties import DatePart
from processor.errors import DeadLetterReason, DefinitionError, MalformedEventError
from processor.events import REJECTED, compile_property, parse_event
from processor.limits import ENTITIES_MAX, INTEGER_MAX, VALUE_CHARS_MAX

Make = Callable[..., bytes]
ACTION = "com.acme.shop/action/jsonschema/1-0-2"
PRODUCT = "com.acme.shop/product/jsonschema/1-0-0"


def atomic(value: bytes, name: str) -> object:
    return compile_property(AtomicProperty(name=name))(parse_event(value))


def action(value: bytes, path: str, *, major_version: int = 1) -> object:
    read = compile_property(
        EventProperty(vendor="com.acme.shop", name="action", major_version=major_version, path=path)
    )
    return read(parse_event(value))


def product(value: bytes, path: str, *, index: int = 0, major_version: int = 1) -> object:
    read = compile_property(
        EntityProperty(
            vendor="com.acme.shop",
            name="product",
            major_version=major_version,
            path=path,
            index=index,
        )
    )
    return read(parse_event(value))


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("user_id", "jörg", "jörg"),
        ("user_id", " ", " "),
        ("txn_id", "0", 0),
        ("page_urlport", "443", 443),
        ("pp_xoffset_min", "-7", -7),
        ("txn_id", str(INTEGER_MAX), INTEGER_MAX),
        ("txn_id", str(-INTEGER_MAX - 1), -INTEGER_MAX - 1),
        ("geo_latitude", "-37.25", -37.25),
        ("tr_total", "1.0E3", 1000.0),
        ("se_value", "5", 5.0),
        ("ti_price", ".5", 0.5),
        ("br_cookies", "1", True),
        ("dvce_ismobile", "0", False),
        ("derived_tstamp", "2013-11-26 00:02:05.123", "2013-11-26T00:02:05.123Z"),
        ("true_tstamp", "2013-11-26 00:02:05", "2013-11-26T00:02:05Z"),
        ("true_tstamp", "2013-11-26T00:02:05Z", "2013-11-26T00:02:05.000Z"),
        ("true_tstamp", "2013-11-26 00:02:05.123456", "2013-11-26T00:02:05.123Z"),
        ("true_tstamp", "2013-11-26T01:02:05+01:00", "2013-11-26T00:02:05.000Z"),
    ],
)
def test_a_column_is_read_by_its_type(line: Make, name: str, text: str, expected: object) -> None:
    value = atomic(line(**{name: text}, collector_tstamp="2026-11-22 10:00:00"), name)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize("name", ["user_id", "txn_id", "se_value", "br_cookies", "true_tstamp"])
def test_an_empty_column_is_missing_whatever_its_type(line: Make, name: str) -> None:
    assert atomic(line(), name) is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("txn_id", "1.0"),
        ("txn_id", "+1"),
        ("txn_id", "1_0"),
        ("txn_id", " 1"),
        ("txn_id", "\u0661"),
        ("txn_id", str(INTEGER_MAX + 1)),
        ("txn_id", "9" * 10_000),
        ("se_value", "nan"),
        ("se_value", "Infinity"),
        ("se_value", "1e400"),
        ("se_value", "1_0.5"),
        ("se_value", "1,5"),
        ("se_value", "0x10"),
        ("se_value", "."),
        ("br_cookies", "true"),
        ("br_cookies", "2"),
        ("true_tstamp", "2013-11-26"),
        ("true_tstamp", "10013-12-10 01:09:46.708"),
        ("true_tstamp", "1969-12-31 23:59:59"),
    ],
)
def test_text_that_is_not_of_the_type_is_rejected(line: Make, name: str, text: str) -> None:
    assert atomic(line(**{name: text}), name) is REJECTED


def test_a_json_column_as_a_whole_is_rejected(line: Make, contexts: Make) -> None:
    assert atomic(line(contexts=contexts()), "contexts") is REJECTED


@pytest.mark.parametrize("letter", ["x", "é", "€", "😀"])
def test_strings_are_bounded_in_characters(line: Make, contexts: Make, letter: str) -> None:
    fits = letter * VALUE_CHARS_MAX
    over = fits + "x"
    assert atomic(line(page_title=fits), "page_title") == fits
    assert atomic(line(page_title=over), "page_title") is REJECTED
    value = line(contexts=contexts((PRODUCT, {"fits": fits, "over": over})))
    assert product(value, "fits") == fits
    assert product(value, "over") is REJECTED


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("name", "shoe"),
        ("$.name", "shoe"),
        ("price", 129.5),
        ("quantity", 2),
        ("sale", True),
        ("empty", ""),
        ("zero", 0),
        ("tags[0]", "a"),
        ("tags[1]", "b"),
        ("tags[2]", None),
        ("grid[1][0]", 3),
        ("size.eu", 42),
        ("size.names[0].de", "zweiundvierzig"),
        ("nothing", None),
        ("absent", None),
        ("absent.deeper", None),
        ("name.deeper", None),
        ("name[0]", None),
        ("size[0]", None),
        ("tags.0", None),
        ("price.x", None),
        ("size", REJECTED),
        ("tags", REJECTED),
        ("huge", REJECTED),
        ("small", REJECTED),
        ("most", INTEGER_MAX),
        ("least", -INTEGER_MAX - 1),
        ("double", 1e25),
    ],
)
def test_a_path_leads_to_a_value(line: Make, path: str, expected: object) -> None:
    data = """{"name":"shoe","price":129.5,"quantity":2,"sale":true,"empty":"","zero":0,
        "tags":["a","b"],"grid":[[1,2],[3]],"size":{"eu":42,"names":[{"de":"zweiundvierzig"}]},
        "nothing":null,"huge":9223372036854775808,"small":-9223372036854775809,"double":1e25,
        "most":9223372036854775807,"least":-9223372036854775808}""".replace("\n", "")
    inner = f'{{"schema":"iglu:%s","data":{data}}}'
    value = line(
        contexts='{"schema":"x","data":[' + inner % PRODUCT + "]}",
        unstruct_event='{"schema":"x","data":' + inner % ACTION + "}",
    )
    for read in (product, action):
        found = read(value, path)
        assert found == expected
        assert type(found) is type(expected)


@pytest.mark.parametrize(
    "number", ["18446744073709551616", "9" * 400, "-" + "9" * 400, "9" * 6_000, "1e400", "-1e400"]
)
def test_a_number_that_nothing_holds_is_rejected_and_its_neighbours_are_read(
    line: Make, number: str
) -> None:
    data = f'{{"before":1.5,"n":{number},"list":[{number},7],"after":"x","big":123456789012}}'
    column = f'{{"schema":"x","data":[{{"schema":"iglu:{PRODUCT}","data":{data}}}]}}'
    value = line(contexts=column)
    assert product(value, "n") is REJECTED
    assert product(value, "list[0]") is REJECTED
    assert product(value, "list[1]") == 7
    assert product(value, "before") == 1.5
    assert product(value, "after") == "x"
    assert product(value, "big") == 123456789012


def test_an_entity_is_taken_by_its_index_among_its_schema(line: Make, contexts: Make) -> None:
    value = line(
        contexts=contexts(
            (PRODUCT, {"id": "a"}),
            ("com.acme.shop/cart/jsonschema/1-0-0", {"id": "c"}),
            ("com.acme.shop/product/jsonschema/1-2-3", {"id": "b"}),
            ("com.acme.shop/product/jsonschema/2-0-0", {"id": "v2"}),
        )
    )
    assert [product(value, "id", index=index) for index in range(3)] == ["a", "b", None]
    assert product(value, "id", major_version=2) == "v2"


def test_the_index_counts_entities_without_the_value(line: Make, contexts: Make) -> None:
    value = line(contexts=contexts((PRODUCT, {}), (PRODUCT, {"id": "b"})))
    assert product(value, "id", index=0) is None
    assert product(value, "id", index=1) == "b"


def test_event_properties_need_the_schema_of_the_event(line: Make, unstruct: Make) -> None:
    value = line(unstruct_event=unstruct(ACTION, {"type": "add_to_cart"}))
    assert action(value, "type") == "add_to_cart"
    assert action(value, "type", major_version=2) is None
    assert action(line(), "type") is None


def test_broken_json_is_malformed_only_for_who_reads_the_column(line: Make, unstruct: Make) -> None:
    value = line(unstruct_event=unstruct(ACTION, {"type": "x"}), derived_contexts='{"data":[')
    assert action(value, "type") == "x"
    assert atomic(value, "event_name") == "page_view"
    with pytest.raises(MalformedEventError) as caught:
        product(value, "id")
    assert caught.value.reason is DeadLetterReason.JSON


@given(st.integers())
def test_integers_of_64_bit_are_exact_and_others_rejected(line: Make, number: int) -> None:
    column = f'{{"data":[{{"schema":"iglu:{PRODUCT}","data":{{"n":{number}}}}}]}}'
    fits = -INTEGER_MAX - 1 <= number <= INTEGER_MAX
    expected: object = number if fits else REJECTED
    assert product(line(contexts=column), "n") == expected
    assert atomic(line(txn_id=str(number)), "txn_id") == expected


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_doubles_come_back_bit_for_bit(line: Make, number: float) -> None:
    column = f'{{"data":[{{"schema":"iglu:{PRODUCT}","data":{{"n":{number!r}}}}}]}}'
    assert repr(product(line(contexts=column), "n")) == repr(number)
    assert repr(atomic(line(se_value=repr(number)), "se_value")) == repr(number)


@pytest.mark.parametrize("path", ["a[*]", "$..a", "a[-1]", "a.", ".a", "a..b", "a[1", "a]", "*"])
def test_a_path_that_is_no_path_is_refused_when_compiled(path: str) -> None:
    definition = EventProperty.model_construct(
        vendor="v", name="n", major_version=1, path=path, date_part=None
    )
    with pytest.raises(DefinitionError, match="path"):
        compile_property(definition)


@pytest.mark.parametrize(
    ("text", "part", "expected"),
    [
        ("2024-03-15 23:59:59.999", "active_day", "2024-03-15"),
        ("2024-03-15 23:59:59.999", "active_week", "2024-03-11"),
        ("2024-03-15 23:59:59.999", "active_month", "2024-03"),
        ("2024-03-15 23:59:59.999", "hour_of_day", 23),
        ("2024-03-15 00:00:00", "hour_of_day", 0),
        ("2024-03-15 00:00:00", "day_of_week", 5),
        ("2024-03-15 00:00:00", "month_of_year", 3),
        ("", "active_day", None),
        ("2024-03-15T00:00:00Z", "active_day", "2024-03-15"),
        ("2024-03-15T00:30:00.5+01:00", "active_day", "2024-03-14"),
        ("2016-12-31 23:59:60.000", "active_day", "2016-12-31"),
        ("yesterday", "active_day", REJECTED),
    ],
)
def test_a_part_of_the_date_in_a_column(
    line: Make, text: str, part: DatePart, expected: object
) -> None:
    read = compile_property(AtomicProperty(name="true_tstamp", date_part=part))
    assert read(parse_event(line(true_tstamp=text))) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2024-03-15T00:30:00Z", "2024-03-15"),
        ("2024-03-15T00:30:00+01:00", "2024-03-14"),
        (None, None),
        ("", REJECTED),
        ("2024-03-15", REJECTED),
        ("2024-03-15 00:30:00", REJECTED),
        (1710462600, REJECTED),
        (True, REJECTED),
        ({"at": "2024-03-15T00:30:00Z"}, REJECTED),
        ("2024-03-15T00:30:00." + "0" * VALUE_CHARS_MAX + "Z", REJECTED),
    ],
)
def test_a_part_of_the_date_in_event_and_entity_data(
    line: Make, contexts: Make, unstruct: Make, value: object, expected: object
) -> None:
    event = parse_event(
        line(
            contexts=contexts((PRODUCT, {"at": value})),
            unstruct_event=unstruct(ACTION, {"at": value}),
        )
    )
    place = {"vendor": "com.acme.shop", "major_version": 1, "path": "at", "date_part": "active_day"}
    assert compile_property(EventProperty(name="action", **place))(event) == expected
    assert compile_property(EntityProperty(name="product", **place))(event) == expected


def test_a_part_of_the_date_in_data_that_is_not_there_is_missing(line: Make) -> None:
    place = {"vendor": "com.acme.shop", "major_version": 1, "path": "at", "date_part": "active_day"}
    event = parse_event(line())
    assert compile_property(EventProperty(name="action", **place))(event) is None
    assert compile_property(EntityProperty(name="product", **place))(event) is None


def test_a_column_that_holds_no_date_has_no_part_of_one() -> None:
    with pytest.raises(DefinitionError, match="page_url"):
        compile_property(AtomicProperty(name="page_url", date_part="active_day"))


def test_a_calculated_property_reads_columns_events_entities_and_dates(
    line: Make, contexts: Make, unstruct: Make
) -> None:
    event = parse_event(
        line(
            contexts=contexts((PRODUCT, {"id": 1}), (PRODUCT, {"id": 2})),
            unstruct_event=unstruct(ACTION, {"type": "add"}),
        )
    )
    place = {"vendor": "com.acme.shop", "major_version": 1}
    definition = CalculatedProperty(
        operation="concat",
        separator="|",
        properties=[
            AtomicProperty(name="app_id"),
            AtomicProperty(name="user_id"),
            EventProperty(name="action", path="type", **place),
            EntityProperty(name="product", path="id", index=1, **place),
            AtomicProperty(name="collector_tstamp", date_part="active_day"),
        ],
    )
    assert compile_property(definition)(event) == "shop|add|2|2026-11-22"


PARTS = [
    EventProperty(vendor="com.acme.shop", name="action", major_version=1, path=path)
    for path in ("a", "b", "c")
]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"a": "x", "b": "y"}, "x"),
        ({"b": "y", "c": "z"}, "y"),
        ({"a": None, "c": 1.5}, 1.5),
        ({"a": "", "b": "y"}, ""),
        ({"a": 0, "b": 1}, 0),
        ({"a": False, "b": True}, False),
        ({"a": [], "b": "y"}, REJECTED),
        ({"a": "x", "b": []}, "x"),
        ({}, None),
    ],
)
def test_coalesce_takes_the_first_that_is_not_null(
    line: Make, unstruct: Make, data: object, expected: object
) -> None:
    read = compile_property(CalculatedProperty(operation="coalesce", properties=PARTS))
    found = read(parse_event(line(unstruct_event=unstruct(ACTION, data))))
    assert found == expected
    assert type(found) is type(expected)


def test_broken_json_is_the_events_fault_where_a_calculation_reads_it(line: Make) -> None:
    parts = [AtomicProperty(name="user_id"), PARTS[0]]
    read = compile_property(CalculatedProperty(operation="coalesce", properties=parts))
    assert read(parse_event(line(unstruct_event="{", user_id="jo"))) == "jo"
    with pytest.raises(MalformedEventError):
        read(parse_event(line(unstruct_event="{")))


def test_an_entity_beyond_those_that_are_looked_at_is_rejected(line: Make, contexts: Make) -> None:
    value = line(contexts=contexts(*[(PRODUCT, {"id": 1})] * (ENTITIES_MAX + 1)))
    assert product(value, "id", index=ENTITIES_MAX - 1) == 1
    assert product(value, "id", index=ENTITIES_MAX) is REJECTED
    assert product(value, "id", major_version=2) is REJECTED
