import json
import time
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processor.errors import DeadLetterReason, MalformedEventError
from processor.events import parse_event
from processor.events.surrogates import utf8_of_whole_characters, whole_characters
from processor.limits import EVENT_BYTES_MAX

Make = Callable[..., bytes]
PRODUCT = "iglu:com.acme/product/jsonschema/1-0-0"
# Texts in which surrogates, whole and alone, are as frequent as other characters.
PIECES = ["\ud83d", "\ude00", "\U0001f600", "\\", "u", "d83d", '"', "a", "\ufffd"]
TEXTS = st.lists(st.sampled_from(PIECES) | st.characters(codec=None)).map("".join)
HALVES = [
    (r"Sale \ud83d", "Sale \ufffd"),
    (r"\ud83d", "\ufffd"),
    (r"\uD83D Sale", "\ufffd Sale"),
    (r"\ude00 Sale", "\ufffd Sale"),
    (r"\ude00\ud83d", "\ufffd\ufffd"),
    (r"\ud83d\ud83d\ude00", "\ufffd\U0001f600"),
    (r"\ud83d\ude00\ude00", "\U0001f600\ufffd"),
    (r"\ud83d\u0041", "\ufffdA"),
    (r"\ud83d\n", "\ufffd\n"),
    (r"\ud83d\\ude00", "\ufffd\\ude00"),
    (r"\\\ud83d", "\\\ufffd"),
    (r"\\ud83d", r"\ud83d"),
    (r"\\ud83d\ude00", "\\ud83d\ufffd"),
    (r"\\\\ud83d\ud83d", "\\\\ud83d\ufffd"),
    (r"\ud83d\"\ud83d", '\ufffd"\ufffd'),
    (r"\u00e9\ud83d\ude00é", "é\U0001f600é"),
]


def joined(text: str) -> str:
    """The text with pairs of surrogates as one character and others as U+FFFD, the plain way."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def contexts(data: str, schema: str = PRODUCT) -> bytes:
    return f'{{"schema":"iglu:x","data":[{{"schema":"{schema}","data":{data}}}]}}'.encode()


@pytest.mark.parametrize(("written", "read"), HALVES)
def test_half_a_character_is_replaced_in_its_text_alone(
    line: Make, written: str, read: str
) -> None:
    data = f'{{"label":"{written}","other":"ok","{written}":1}}'
    expected = {"label": read, "other": "ok", read: 1}
    event = parse_event(line(contexts=contexts(data), derived_contexts=contexts('{"n":2}')))
    assert [event.entity_data("com.acme/product/1", index) for index in range(2)] == [
        expected,
        {"n": 2},
    ]
    unstruct = f'{{"data":{{"schema":"{PRODUCT}","data":{data}}}}}'
    event = parse_event(line(unstruct_event=unstruct))
    assert event.unstruct_data("com.acme/product/1") == expected


def test_half_a_character_in_the_schema_of_one_entity_leaves_the_others(line: Make) -> None:
    good = f'{{"schema":"{PRODUCT}","data":1}}'
    column = rf'{{"data":[{{"schema":"iglu:\ud83d","data":2}},{good}]}}'
    assert parse_event(line(contexts=column)).entity_data("com.acme/product/1", 0) == 1


@pytest.mark.parametrize("data", [r'{"label":"\ud83d","n":1e400}', r'{"n":1e400,"label":"\ud83d"}'])
def test_a_huge_number_beside_half_a_character_brings_none_in(line: Make, data: str) -> None:
    found = parse_event(line(contexts=contexts(data))).entity_data("com.acme/product/1", 0)
    assert found["label"] == "\ufffd"
    assert found["label"].encode()


@pytest.mark.parametrize("broken", [r'"\ud83d', r'"\ud83d\x"', r'{"a":"\ud83d",}', r'"\ud8"'])
def test_what_is_broken_besides_stays_broken(line: Make, broken: str) -> None:
    event = parse_event(line(contexts=contexts(broken)))
    with pytest.raises(MalformedEventError) as caught:
        event.entity_data("com.acme/product/1", 0)
    assert caught.value.reason is DeadLetterReason.JSON


@given(TEXTS)
def test_every_text_is_as_another_decoder_has_it(text: str) -> None:
    escaped = json.dumps({text: text}).encode()
    whole = joined(json.loads(json.dumps(text)))
    assert msgspec.json.decode(whole_characters(escaped)) == {whole: whole}


@given(st.text())
def test_whole_texts_stay_as_they_are(text: str) -> None:
    escaped = json.dumps(text).encode()
    assert whole_characters(escaped) == escaped


@pytest.mark.parametrize("piece", [b"\\", b"\\\\u", b"\\ud83d", b"\\ud83d\\ude00", b"\\n"])
def test_no_document_takes_long(piece: bytes) -> None:
    document = piece * (EVENT_BYTES_MAX // len(piece))
    started = time.process_time()
    whole_characters(document)
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (b"Sale \xed\xa0\xbd", "Sale \ufffd"),
        (b"\xed\xb8\x80 Sale", "\ufffd Sale"),
        (b"\xed\xa0\xbd\xed\xb8\x80", "\U0001f600"),
        (b"\xf0\x9f\x98\x80\xed\xa0\xbd", "\U0001f600\ufffd"),
    ],
)
def test_surrogates_in_bytes_are_replaced_too(line: Make, written: bytes, read: str) -> None:
    event = parse_event(line(page_title=written))
    assert b"\t".join(event.columns) == line(page_title=read)
    assert utf8_of_whole_characters(written) == read.encode()


def test_bytes_that_are_no_text_are_not_repaired() -> None:
    with pytest.raises(UnicodeDecodeError):
        utf8_of_whole_characters(b"caf\xe9 \xed\xa0\xbd")
