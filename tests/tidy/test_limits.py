"""The chain of bounds: what one event may hold always fits the message that must carry it."""

import ast
from collections import Counter
from pathlib import Path
from types import ModuleType

import orjson
import pytest

from definitions import limits as definition_limits
from processor import limits, request_limits
from processor.aggregates import Result
from processor.engine import encode_part
from processor.engine.contribution import Asks, Contribution
from processor.errors import DeadLetterReason
from processor.events import Source, Trigger
from processor.formats import NEWEST_LEVEL
from processor.interventions import Because, Fired, encode_message
from processor.kafka.topics import TopicSpec, topic_specs
from processor.limits import LONG_TEXT_CHARS
from processor.settings import Settings
from processor.streaming.messages.dead_letters import Refused, encode_dead_letter
from processor.streaming.messages.frames import Section, encode_frame, encode_section
from tests.by_hand import contribution_of, part_of

SETTINGS = Settings(_env_file=None)
SPECS = {spec.name: spec for spec in topic_specs(SETTINGS)}
# Kafka's default of max.message.bytes, and librdkafka's of message.max.bytes.
BROKER_MESSAGE_BYTES = 1_048_588
CLIENT_MESSAGE_BYTES = 1_000_000
# What Kafka's own record and batch headers, the key and our headers add to a value, at most.
ENVELOPE_BYTES = 4_096
UTF8_BYTES_PER_CHAR = 4
INTEGER = 2**63 - 1
# More attributes on one key, joint rules and attribute keys than anybody has.
SERIES = 500
JOINT_RULES = 500
KEYS = 100
# The promise of README: attributes in one rule, or read with one firing.
ATTRIBUTES = 100
# The largest that the setting of this name takes.
DEDUPLICATION_IDS = 4_096
LONGEST_NAME = "n" * limits.NAME_CHARS_MAX
LONGEST_STRING = "\N{GRINNING FACE}" * limits.VALUE_CHARS_MAX
LONGEST_STRING_BYTES = limits.VALUE_CHARS_MAX * UTF8_BYTES_PER_CHAR
# A character that JSON writes with six bytes.
LONGEST_IN_JSON = "\1" * limits.VALUE_CHARS_MAX
LONGEST_EVENT_ID = "\N{GRINNING FACE}" * limits.EVENT_ID_CHARS_MAX
LONGEST_EVENT_NAME = "\N{GRINNING FACE}" * limits.SCHEMA_PART_CHARS_MAX
LONGEST_ID = "\N{GRINNING FACE}" * limits.IDENTIFIER_CHARS_MAX


def room(spec: TopicSpec) -> int:
    """The largest value that the topic takes."""
    return int(spec.settings.get("max.message.bytes", BROKER_MESSAGE_BYTES)) - ENVELOPE_BYTES


def largest_contribution() -> Contribution:
    texts = limits.CONTRIBUTED_TEXT_BYTES_MAX // LONGEST_STRING_BYTES
    return contribution_of(
        offset=INTEGER,
        key=LONGEST_NAME,
        id=LONGEST_ID,
        time_ms=INTEGER,
        event_id=LONGEST_EVENT_ID,
        event_name=LONGEST_EVENT_NAME,
        derived_tstamp="2026-11-22 10:00:00.123",
        values=[
            (INTEGER - number, LONGEST_STRING if number < texts else INTEGER)
            for number in range(SERIES)
        ],
        asks=Asks(
            rules=[INTEGER - number for number in range(JOINT_RULES)],
            ids={f"{number:0{limits.NAME_CHARS_MAX}}": LONGEST_ID for number in range(KEYS)},
        ),
    )


def test_the_longest_value_is_as_long_as_the_bound() -> None:
    assert len(LONGEST_STRING) == limits.VALUE_CHARS_MAX
    assert len(LONGEST_STRING.encode()) == LONGEST_STRING_BYTES


def test_every_attribute_of_a_key_may_have_the_longest_text_of_one_event() -> None:
    assert limits.CONTRIBUTED_TEXT_BYTES_MAX >= ATTRIBUTES * LONGEST_STRING_BYTES
    assert limits.CONTRIBUTED_TEXT_BYTES_MAX >= SERIES * limits.VALUE_CHARS_MAX


def test_the_largest_contribution_fits_a_frame() -> None:
    section = Section("t" * 22, 1023, INTEGER, INTEGER, INTEGER, [largest_contribution()])
    assert len(encode_section(section, NEWEST_LEVEL)) < limits.FRAME_BYTES_MAX


def test_the_largest_frame_fits_its_topic() -> None:
    frame = encode_frame([bytes(limits.FRAME_BYTES_MAX)], NEWEST_LEVEL)
    assert len(frame) <= room(SPECS[SETTINGS.contributions_topic])


def test_a_frame_is_sent_long_before_it_is_full() -> None:
    assert limits.FRAME_BYTES_TARGET * 8 <= limits.FRAME_BYTES_MAX


def test_the_largest_profile_record_fits_the_changelog() -> None:
    assert room(SPECS[SETTINGS.changelog_topic]) >= limits.PROFILE_BYTES_MAX


def test_a_chunk_of_the_longest_strings_fits_a_profile_record() -> None:
    entry = LONGEST_STRING_BYTES + ENVELOPE_BYTES // limits.CHUNK_ENTRIES_MAX
    assert limits.CHUNK_ENTRIES_MAX * entry <= limits.PROFILE_BYTES_MAX


def test_a_head_of_many_windows_of_long_strings_fits_a_profile_record() -> None:
    inline = limits.WINDOW_INLINE_CHARS_MAX * UTF8_BYTES_PER_CHAR
    windows = ATTRIBUTES * limits.WINDOW_INLINE_ENTRIES_MAX * (inline + 16)
    lifetime = ATTRIBUTES * limits.HEAD_STATE_BYTES_MAX  # a larger one has a record of its own
    deduplication = DEDUPLICATION_IDS * 16
    assert windows + lifetime + deduplication <= limits.PROFILE_BYTES_MAX


def test_the_largest_state_of_a_lifetime_fits_a_profile_record() -> None:
    seen = 16  # count and time
    long = limits.FREQUENCY_LONG_TEXTS_MAX
    short = limits.FREQUENCY_VALUES_MAX - long
    frequencies = long * (LONGEST_STRING_BYTES + seen) + short * (
        limits.LONG_TEXT_CHARS * UTF8_BYTES_PER_CHAR + seen
    )
    assert frequencies <= limits.PROFILE_BYTES_MAX
    assert limits.RESULT_VALUES_MAX * (LONGEST_STRING_BYTES + seen) <= limits.PROFILE_BYTES_MAX
    assert long >= limits.RESULT_VALUES_MAX, "as many as a result gives"


def test_the_largest_dead_letter_fits_its_topic() -> None:
    refused = Refused(
        topic="t" * 249,
        partition=2**31 - 1,
        offset=INTEGER,
        timestamp_ms=INTEGER,
        value=b"\xff" * limits.EVENT_BYTES_MAX,
        reason=DeadLetterReason.COLUMN_COUNT,
        detail="\0" * 10 * limits.DETAIL_CHARS_MAX,  # six bytes each in JSON
    )
    size = len(encode_dead_letter(refused))
    assert size <= room(SPECS[SETTINGS.dead_letter_topic])
    assert size <= CLIENT_MESSAGE_BYTES


def test_the_largest_part_fits_its_topic() -> None:
    values: list[Result] = [LONGEST_STRING] * ATTRIBUTES
    names = [f"{number:0{limits.NAME_CHARS_MAX}}" for number in range(ATTRIBUTES)]
    part = part_of(
        rule=INTEGER,
        target_key=LONGEST_NAME,
        target_id=LONGEST_ID,
        key=LONGEST_NAME,
        ids=dict.fromkeys(names, LONGEST_ID),
        before=values,
        after=values,
        told=values,
        time_ms=INTEGER,
        event_id=LONGEST_EVENT_ID,
        event_name=LONGEST_EVENT_NAME,
        derived_tstamp="2026-11-22 10:00:00.123",
        topic="t" * 249,
        partition=1023,
        offset=INTEGER,
        definitions_offset=INTEGER,
    )
    size = len(encode_part(part, NEWEST_LEVEL))
    assert size <= room(SPECS[SETTINGS.rules_topic])
    assert size <= limits.PROFILE_BYTES_MAX, "the producer of a flush takes no larger message"


def test_parts_that_wait_for_a_flush_fit_the_queue_of_a_producer() -> None:
    assert limits.OUTGOING_BYTES_MAX * 8 <= 2**30
    assert limits.PROFILE_BYTES_MAX <= limits.OUTGOING_BYTES_MAX


@pytest.mark.parametrize("longest", [LONGEST_STRING, LONGEST_IN_JSON, "\1" * LONG_TEXT_CHARS])
def test_the_largest_intervention_fits_its_topic(longest: str) -> None:
    names = [f"{LONGEST_NAME}:{number:0{limits.NAME_CHARS_MAX}}" for number in range(ATTRIBUTES)]
    fired = Fired(
        name=LONGEST_NAME,
        version=definition_limits.VERSION_MAX,
        intervention_id="0" * 36,
        target_key=LONGEST_NAME,
        target_id=LONGEST_ID,
        attributes=dict.fromkeys(names, longest),
        trigger=Trigger(
            LONGEST_EVENT_ID,
            LONGEST_EVENT_NAME,
            "",
            Source("t" * 249, 1023),
            INTEGER,
            1_795_340_000_000,
        ),
        because=[
            Because(name, definition_limits.VERSION_MAX, "!=", "v" * 4_000, longest, longest)
            for name in names
        ],
        definitions_offset=INTEGER,
    )
    size = len(encode_message(fired))
    assert size <= room(SPECS[SETTINGS.interventions_topic]), (
        f"{size} bytes: give the interventions topic a max.message.bytes as the changelog has, or "
        "its transaction can never be committed"
    )
    assert size <= limits.PROFILE_BYTES_MAX, "the producer of a flush takes no larger message"


def test_the_largest_definition_fits_its_topic() -> None:
    assert room(SPECS[SETTINGS.definitions_topic]) >= limits.DEFINITION_BYTES_MAX
    assert limits.DEFINITION_BYTES_MAX <= CLIENT_MESSAGE_BYTES - ENVELOPE_BYTES


def test_definitions_and_events_have_the_same_bounds() -> None:
    assert definition_limits.NAME_CHARS_MAX == limits.NAME_CHARS_MAX
    assert definition_limits.VALUE_CHARS_MAX == limits.VALUE_CHARS_MAX
    assert definition_limits.LIST_VALUES_MAX == limits.RESULT_VALUES_MAX
    assert definition_limits.RECORD_BYTES_MAX == limits.DEFINITION_BYTES_MAX


def test_a_request_can_carry_the_largest_definition() -> None:
    body = orjson.dumps({"definition": "d" * limits.DEFINITION_BYTES_MAX})
    assert len(body) <= request_limits.REQUEST_BYTES_MAX


def test_a_worker_reads_on_while_its_runs_are_bounded() -> None:
    assert limits.RUN_RECORDS_MAX * limits.RUNS_IN_FLIGHT_MAX * limits.EVENT_BYTES_MAX < 2**31
    assert limits.SLICE_RECORDS_MAX < limits.RUN_RECORDS_MAX


def test_a_hung_transaction_is_over_within_a_session_of_a_default_worker() -> None:
    assert SETTINGS.session_timeout_ms >= limits.TRANSACTION_TIMEOUT_MS


@pytest.mark.parametrize("module", [limits, request_limits, definition_limits])
def test_each_bound_has_one_value(module: ModuleType) -> None:
    tree = ast.parse(Path(str(module.__file__)).read_text())
    targets = [
        target.id
        for statement in tree.body
        for target in _targets(statement)
        if isinstance(target, ast.Name)
    ]
    assert [name for name, count in Counter(targets).items() if count > 1] == []


def _targets(statement: ast.stmt) -> list[ast.expr]:
    if isinstance(statement, ast.Assign):
        return statement.targets
    return [statement.target] if isinstance(statement, ast.AnnAssign) else []
