"""Texts of parameters that are right, and those that are not."""

import pytest

from processor.collector import conversion

UUID = "6a0dcb32-6f1b-4cc2-9cd3-1d8b1b4c1b2f"

RIGHT = [
    (conversion.to_integer, "007", "7"),
    (conversion.to_integer, "-2147483648", "-2147483648"),
    (conversion.to_integer, "null", ""),
    (conversion.to_decimal, "1E+3", "1000"),
    (conversion.to_decimal, "-0.10", "-0.10"),
    (conversion.to_decimal, "NULL", ""),
    (conversion.to_flag, "0", "0"),
    (conversion.to_uuid, UUID.upper(), UUID),
    (conversion.to_time, "0", "1970-01-01 00:00:00.000"),
    (conversion.to_time, "253402300799999", "9999-12-31 23:59:59.999"),
    (conversion.to_time, "-1", "1969-12-31 23:59:59.999"),
    (conversion.to_time, "-3600000", "1969-12-31 23:00:00.000"),
    (conversion.to_time, "-62135596800000", "0001-01-01 00:00:00.000"),
    (conversion.to_size, "0x0", ("0", "0")),
    (conversion.to_event, "ev", "struct"),
    (conversion.to_ip_address, "2001:db8::1", "2001:db8::1"),
    (conversion.to_ip_address, "1.2.3.4,5.6.7.8", "1.2.3.4"),
    (conversion.to_ip_address, "203.0.113.9:51234", "203.0.113.9"),
    (conversion.to_ip_address, "203.0.113.9:51234, 10.0.0.1:80", "203.0.113.9"),
    (conversion.to_ip_address, '"203.0.113.9:51234"', "203.0.113.9"),
    (conversion.to_ip_address, "[2001:db8::1]:51234", "2001:db8::1"),
    (conversion.to_ip_address, "[2001:db8::1]", "2001:db8::1"),
    (conversion.to_ip_address, '"[2001:db8::1]:80"', "2001:db8::1"),
    (conversion.to_ip_address, "2001:db8::1:51234", "2001:db8::1:51234"),
    (conversion.to_ip_address, "::1", "::1"),
    (conversion.to_ip_address, "unknown", "unknown"),
    (conversion.to_ip_address, "host:80", "host:80"),
]
WRONG = [
    (conversion.to_integer, "1.0"),
    (conversion.to_integer, "2147483648"),
    (conversion.to_integer, "1_0"),
    (conversion.to_integer, "\u0661"),
    (conversion.to_decimal, "1,5"),
    (conversion.to_decimal, "NaN"),
    (conversion.to_decimal, "Infinity"),
    (conversion.to_decimal, "1e999999999"),
    (conversion.to_decimal, "1" * 1_000),
    (conversion.to_flag, "true"),
    (conversion.to_uuid, "s1"),
    (conversion.to_uuid, UUID.replace("-", "")),
    (conversion.to_uuid, "{" + UUID + "}"),
    (conversion.to_time, "--1"),
    (conversion.to_time, "-"),
    (conversion.to_time, "-62135596800001"),
    (conversion.to_time, "1361553733313.0"),
    (conversion.to_time, "253402300800000"),
    (conversion.to_size, "1280"),
    (conversion.to_size, "9999999999x1"),
    (conversion.to_platform, "desktop"),
    (conversion.to_event, "ad"),
    (conversion.to_event, "page_view"),
]


@pytest.mark.parametrize(("convert", "text", "expected"), RIGHT)
def test_a_text_that_is_right_is_converted(convert, text, expected) -> None:
    assert convert(text) == expected


@pytest.mark.parametrize(("convert", "text"), WRONG)
def test_a_text_that_is_wrong_is_refused(convert, text) -> None:
    with pytest.raises(ValueError, match="is n"):
        convert(text)


def test_what_breaks_a_line_is_taken_out() -> None:
    assert conversion.clean("a\tb\r\nc\x00\x7fd\u2028é") == "a    bcd\u2028é"
