"""Generated events of all kinds for the source stage: usual, odd, and broken in many ways."""

import json
from collections.abc import Callable
from random import Random
from typing import Any

from processor.events.columns import COLUMN_INDEX
from tests.model.generated import LATE_MS, history
from tests.model.generated_definitions import CELLS, catalog
from tests.model.generated_joint import any_cells, joint_catalog
from tests.model.generated_values import Json

SPECIFICATION = "iglu:com.snowplowanalytics.snowplow/event_specification/jsonschema/1-0-0"
SPECIFICATIONS = ["spec-1", "spec-2", "späc"]
JSON_COLUMNS = [COLUMN_INDEX[one] for one in ("contexts", "unstruct_event", "derived_contexts")]
TIME_COLUMNS = [COLUMN_INDEX[one] for one in ("collector_tstamp", "derived_tstamp", "true_tstamp")]

# Values in place of others in JSON, as text: what readers of JSON understand differently, or not.
VALUES = [
    *["01", "1.", ".5", "+1", "-", "-0", "-0.0", "1e5", "1E+2", "1e400", "-1e400", "1e-400", "0x1"],
    *["9223372036854775807", "9223372036854775808", "-9223372036854775808", "1" * 25, "1" * 400],
    *["18446744073709551615", "18446744073709551616", "-9223372036854775809", "0.1e1", "1.0"],
    *[
        "9007199254740993",
        "9007199254740993.0",
        "2.5",
        "5e-324",
        "2e-324",
        "1.7976931348623157e308",
    ],
    *["0." + "1" * 40, "NaN", "Infinity", "-Infinity", "nan", "True", "nul", "tru", "null", "true"],
    *['"a"', '"A\\u0062"', '"\\u0000"', '"\\ud83d\\ude00"', '"\\ud83d"', '"\\ude00"', '"\\/"'],
    *[
        '"\\ud83dx"',
        '"\\ud83d\\u0041"',
        '"\\\\ud83d"',
        '"\\x"',
        '"\\u12"',
        '"\\u12g4"',
        '"\\"',
        '"',
    ],
    *['"\x01"', '"\x7f"', '"é€😀"', '"\\n\\t\\r\\b\\f\\""', "'a'", "[]", "{}", "[1,]", '{"a":1,}'],
    *[
        '{"a":1,"a":2}',
        '{"a" :\r\n 1 }',
        "[ ]",
        "{ }",
        "[1 2]",
        '{"a"}',
        '{"a":}',
        "{a:1}",
        "",
        " ",
    ],
    *["[" * depth + "]" * depth for depth in (100, 127, 128, 129, 130, 400, 490, 505, 1_100)],
    *['{"a":' * depth + "1" + "}" * depth for depth in (126, 128, 400, 510)],
    *[
        '"' + "x" * 4_096 + '"',
        '"' + "x" * 4_097 + '"',
        '"' + "😀" * 4_096 + '"',
        "[[[[",
        "}}",
        f"[{'1,' * 9_000}1]",
    ],
]
TIMES = [
    *["", "2026-01-01 00:00:00", "2026-01-01 00:00:00.1", "2026-01-01 00:00:00.12", "soon"],
    *["2026-01-01 00:00:00.1234", "2026-01-01T00:00:00Z", "2026-01-01 00:00:00+02:00"],
    *[
        "2026-02-29 00:00:00",
        "2024-02-29 23:59:59.999",
        "2026-13-01 00:00:00",
        "1969-12-31 23:59:59",
    ],
    *["1970-01-01 00:00:00.000", "9999-12-31 23:59:59.999", "10013-01-01 00:00:00", "0026-01-01"],
    *["2026-01-01 24:00:00", "2026-01-01 23:60:00", "2016-12-31 23:59:60", "2026-00-10 00:00:00"],
    *["2100-02-29 00:00:00", "2000-02-29 00:00:00", "2026-04-31 00:00:00", " 2026-01-01 00:00:00"],
    *["2026-01-01 00:00:00 ", "2026-01-01 00:00:00.", "\uff12026-01-01 00:00:00", "2026-1-1 0:0:0"],
]
PIECES = [
    *[
        b"",
        b"\t",
        b"\n",
        b"\r\n",
        b"\0",
        b"\xff",
        b"\xc3",
        b"\xed\xa0\xbd",
        b"\xed\xa0\xbd\xed\xb8\x80",
    ],
    *[
        b"\xef\xbb\xbf",
        "é".encode(),
        "😀".encode(),
        b"\\",
        b'"',
        b"{",
        b"}",
        b",",
        b":",
        b"x",
        b" ",
    ],
]
ENDS = ["x", " ", "\n", "{}", ",", "\0", "]", "\ufeff"]


def definitions(chance: Random) -> list[Json]:
    """Definitions of every kind; now and then across keys, or by event specifications.

    Often there are only a few attributes, because one that native code cannot compute is enough for
    most events to be left to Python.
    """
    if chance.randrange(6) == 0:
        return joint_catalog(chance, any_cells(chance, 3))
    found = catalog(chance, chance.sample(CELLS, 5))
    if chance.randrange(4):
        found = [one for one in found if "attributes" in one]
        for one in found:
            some = one["attributes"]
            one["attributes"] = chance.sample(some, min(len(some), chance.choice([1, 1, 2])))
    if chance.randrange(4) == 0:
        for group in found:
            for one in group.get("attributes", ()):
                if chance.randrange(2):
                    wanted = {"event_specification_id": chance.choice(SPECIFICATIONS)}
                    one["events"] = [*one["events"], wanted]
    return found


def lines(chance: Random, count: int) -> list[bytes]:
    """Lines, or what should be lines: a good part of them is odd."""
    found = [one.line for one in history(chance, count, late_ms=LATE_MS)]
    share = chance.choice([0, 1, 1, 2, 4])
    return [
        chance.choice(_CHANGES)(chance, _specified(chance, one))
        if chance.randrange(4) < share
        else _specified(chance, one)
        for one in found
    ]


def _specified(chance: Random, line: bytes) -> bytes:
    """The line, now and then with an event specification."""
    if chance.randrange(4):
        return line
    columns = line.split(b"\t")
    index = COLUMN_INDEX["contexts"]
    document = json.loads(columns[index] or b'{"schema":"x","data":[]}')
    name: Any = chance.choice([*SPECIFICATIONS, "other", 5, None])
    data = chance.choice([{"id": name}, {"id": name}, {}, None, [name]])
    document["data"].append({"schema": SPECIFICATION, "data": data})
    columns[index] = json.dumps(document).encode()
    return b"\t".join(columns)


def _other_value(chance: Random, line: bytes) -> bytes:
    """One value in JSON is another one; keys, too."""

    def change(text: str) -> str:
        places = [at for at, one in enumerate(text) if one in ":,[{"]
        if not places:
            return text
        start = chance.choice(places) + 1
        ends = [at for at in range(start, len(text)) if text[at] in ",]}"]
        end = chance.choice([start, *ends[:3]])
        return text[:start] + chance.choice(VALUES) + text[end:]

    return _in_json(chance, line, change)


def _other_end(chance: Random, line: bytes) -> bytes:
    return _in_json(chance, line, lambda text: text + chance.choice(ENDS))


def _other_space(chance: Random, line: bytes) -> bytes:
    space = chance.choice([" ", "\r", "  ", "\u00a0", "\0"])
    return _in_json(chance, line, lambda text: text.replace(chance.choice(",:{}"), f",{space}"[1:]))


def _spaced(chance: Random, line: bytes) -> bytes:
    mark = chance.choice([",", ":", "{", "}", "[", "]"])
    space = chance.choice([" ", "\r", " \r ", "\x0b"])
    return _in_json(chance, line, lambda text: text.replace(mark, f"{space}{mark}{space}"))


def _twice(chance: Random, line: bytes) -> bytes:
    """A key is written twice, or with an escape."""
    key = chance.choice(['"schema"', '"data"', '"name"', '"price"', '"amount"', '"items"', '"id"'])
    value = chance.choice(VALUES)

    def change(text: str) -> str:
        if chance.randrange(2):
            return text.replace(key, f"{key}:{value},{key}", chance.choice([1, 2, 99]))
        return text.replace(key, f'"\\u{ord(key[1]):04x}{key[2:]}', chance.choice([1, 2, 99]))

    return _in_json(chance, line, change)


def _other_schema(chance: Random, line: bytes) -> bytes:
    old = chance.choice(
        ["iglu:", "com.shop", "product", "action", "jsonschema", "1-0-0", "1-0-1", "/"]
    )
    new = chance.choice(
        ["", "iglu:", "/", "//", "01-0-0", "1-0", "1-0-0-0", "2-0-0", "\\/", "x" * 999]
    )
    return _in_json(chance, line, lambda text: text.replace(old, new, chance.choice([1, 2, 99])))


def _many_entities(chance: Random, line: bytes) -> bytes:
    size = chance.choice([60, 64, 65, 300])

    def change(text: str) -> str:
        document = json.loads(text) if text else {"schema": "x", "data": []}
        if not isinstance(document.get("data"), list):
            return text
        document["data"] += [{"schema": SPECIFICATION, "data": {}}] * size
        return json.dumps(document)

    return _in_json(chance, line, change)


def _in_json(chance: Random, line: bytes, change: Callable[[str], str]) -> bytes:
    columns = line.split(b"\t")
    index = chance.choice(JSON_COLUMNS)
    columns[index] = change(columns[index].decode()).encode()
    return b"\t".join(columns)


def _other_time(chance: Random, line: bytes) -> bytes:
    columns = line.split(b"\t")
    columns[chance.choice(TIME_COLUMNS)] = chance.choice(TIMES).encode()
    return b"\t".join(columns)


def _other_bytes(chance: Random, line: bytes) -> bytes:
    for _ in range(chance.choice([1, 1, 3])):
        start = chance.randrange(len(line) + 1)
        line = line[:start] + chance.choice(PIECES) + line[start + chance.choice([0, 1, 8]) :]
    return line


def _other_column(chance: Random, line: bytes) -> bytes:
    columns = line.split(b"\t")
    texts = [
        *PIECES,
        b"5",
        b"-5",
        b"+5",
        b"5.0",
        b"1e3",
        b".5",
        b"5.",
        b"nan",
        b"inf",
        b"1_0",
        b" 1",
    ]
    texts += [b"x" * 255, b"x" * 256, b"x" * 257, b"x" * 1_001, b"x" * 4_097, "é".encode() * 200]
    texts += [b"-9223372036854775808", b"9223372036854775808", b"1" * 20, b"007", b"0", b"1", b"-0"]
    columns[chance.randrange(len(columns))] = chance.choice(texts)
    return b"\t".join(columns)


def _other_count(chance: Random, line: bytes) -> bytes:
    columns = line.split(b"\t")
    columns = [columns[:-1], [*columns, b""], columns[:3], [*columns, *columns]][
        chance.randrange(4)
    ]
    return b"\t".join(columns)


def _other_end_of_line(chance: Random, line: bytes) -> bytes:
    return line + chance.choice(
        [b"\n", b"\r\n", b"\n\n", b"\r", b" \n", b"2026-01-01 00:00:00\r\n"]
    )


def _nothing(chance: Random, line: bytes) -> bytes:
    return chance.choice([b"", b"\t" * 130, b"\x1f\x8b", b"x", line[: len(line) // 2], b"\n"])


_CHANGES = [
    *[_other_value, _other_value, _other_value, _other_end, _other_space, _spaced, _twice],
    *[_other_schema, _many_entities, _other_time, _other_time, _other_bytes, _other_bytes],
    *[_other_column, _other_column, _other_count, _other_end_of_line, _nothing],
]
