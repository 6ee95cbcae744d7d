"""`processor dead-letters replay`: writes refused records to the enriched topic again."""

import base64
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import Annotated, Final

import typer

from processor.cli.kafka import TopicReader, partitions_of
from processor.cli.letters import Letter, check_reasons, key_of, letter_of
from processor.cli.setting_options import with_settings
from processor.cli.times import time_ms
from processor.errors import ProcessorError, UsageError
from processor.kafka.record import FetchedRecord
from processor.limits import DEAD_LETTER_VALUE_BYTES_MAX
from processor.printable import printable
from processor.settings import Settings
from processor.streaming.replay import Replay, ReplayedRecord, digest_of, mark_of

_BEFORE: Final = "already replayed"
_ELSEWHERE: Final = "not of the enriched topic"
_CUT: Final = "cut off"
_DAMAGED: Final = "without its bytes"


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which dead letters to replay: those that meet all conditions; times are [from, to)."""

    reasons: frozenset[str]
    keys: frozenset[str]
    from_ms: int | None
    to_ms: int | None

    def takes(self, key: str, letter: Letter) -> bool:
        if self.reasons and letter["reason"] not in self.reasons:
            return False
        if self.keys and key not in self.keys:
            return False
        at_ms = letter.get("timestamp")
        if self.from_ms is None and self.to_ms is None:
            return True
        if not isinstance(at_ms, int) or at_ms < 0:
            return False
        after = self.from_ms is None or at_ms >= self.from_ms
        return after and (self.to_ms is None or at_ms < self.to_ms)


@dataclass(slots=True)
class _Found:
    """How many letters were replayed, and how many were not, by reason."""

    replayed: int = 0
    others: Counter[str] = field(default_factory=Counter)
    keys: set[str] = field(default_factory=set)


@with_settings("bootstrap_servers", "app_id", "dead_letter_topic", "enriched_topic")
def replay(
    keys: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY]...", help="replay only these, as shown by list"),
    ] = None,
    *,
    reason: Annotated[
        list[str] | None, typer.Option(help="replay only those with this reason; repeatable")
    ] = None,
    from_: Annotated[
        str | None, typer.Option("--from", help="replay only records from this time on, ISO 8601")
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", help="replay only records before this time, ISO 8601")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="only show what would be replayed")
    ] = False,
    settings: Settings,
) -> None:
    """Write records that could not be processed to the enriched topic again, each once.

    They are written unchanged and count at the time at which they first arrived. Records that
    were already replayed are skipped, even after an interrupted replay. A record that is refused
    again becomes a new dead letter.
    """
    wanted = _wanted(keys, reason, from_, to)
    partitions = partitions_of(settings, settings.enriched_topic)
    with ExitStack() as opened:
        writer = None if dry_run else opened.enter_context(closing(Replay(settings)))  # 1
        ends, marks = _marks(settings)  # 2
        found = _Found()
        told = "would replay" if dry_run else "replayed"
        seen: set[str] = set()
        lines: list[str] = []  # of records that are not committed yet
        for key, letter, record in _letters(settings, ends):  # 3
            if not wanted.takes(key, letter):
                continue
            found.keys.add(key)
            digest = f"{key}\n{digest_of(letter)}"
            if digest in seen:
                continue  # after a crash a letter may be written twice
            seen.add(digest)
            value = _value_of(letter)
            why = _why_not(letter, value, settings)
            if digest in marks:
                why = _BEFORE
            if why or value is None:
                found.others[why] += 1
                continue
            found.replayed += 1
            lines.append(f"{told}  {key}  {letter['reason']}")
            if writer is not None:
                partition = letter["partition"] % partitions
                writer.add(_record(key, letter, record, partition, value))
            if writer is None or not writer.waiting:
                _print(lines)
        if writer is not None:
            writer.write()
        _print(lines)
    _tell(found, wanted, told)


def _wanted(
    keys: list[str] | None, reasons: list[str] | None, from_: str | None, to: str | None
) -> _Wanted:
    check_reasons(reasons or ())
    from_ms = None if from_ is None else time_ms(from_, "--from")
    to_ms = None if to is None else time_ms(to, "--to")
    if from_ms is not None and to_ms is not None and to_ms <= from_ms:
        message = f"--to {to!r} is not after --from {from_!r}"
        raise UsageError(message, hint="give --from the earlier time")
    return _Wanted(frozenset(reasons or ()), frozenset(keys or ()), from_ms, to_ms)


def _marks(settings: Settings) -> tuple[dict[int, int], set[str]]:
    """Return where each partition of the dead-letter topic ends, and what was already replayed.

    Records after these ends may result from this replay itself, which does not replay them.
    """
    ends: dict[int, int] = {}
    marks: set[str] = set()
    with closing(_reader(settings)) as reader:
        for record in reader.to_end():
            ends[record.partition] = record.offset + 1
            mark = mark_of(record.value)
            if mark is not None:
                marks.add(f"{key_of(record)}\n{mark}")
    return ends, marks


def _letters(
    settings: Settings, ends: dict[int, int]
) -> Iterator[tuple[str, Letter, FetchedRecord]]:
    """Yield keys and dead letters before the ends, with their records."""
    with closing(_reader(settings)) as reader:
        for record in reader.to_end():
            if record.offset < ends.get(record.partition, 0):
                letter = letter_of(record)
                if letter is not None:
                    yield key_of(record), letter, record


def _reader(settings: Settings) -> TopicReader:
    return TopicReader(settings, settings.dead_letter_topic, from_beginning=True)


def _why_not(letter: Letter, value: bytes | None, settings: Settings) -> str:
    """Return why a dead letter cannot be replayed; empty if it can."""
    partition = letter.get("partition")
    if letter.get("topic") != settings.enriched_topic:
        return _ELSEWHERE
    if value is None or not isinstance(partition, int) or partition < 0:
        return _DAMAGED
    cut = len(value) >= DEAD_LETTER_VALUE_BYTES_MAX and "(the first " in str(letter.get("detail"))
    return _CUT if cut else ""


def _value_of(letter: Letter) -> bytes | None:
    try:
        return base64.b64decode(str(letter["value_base64"]), validate=True)
    except (KeyError, ValueError):
        return None


def _record(
    key: str, letter: Letter, record: FetchedRecord, partition: int, value: bytes
) -> ReplayedRecord:
    timestamp = letter.get("timestamp")
    return ReplayedRecord(
        record.key or key.encode(),
        digest_of(letter),
        record.partition,
        partition,
        timestamp if isinstance(timestamp, int) else -1,
        value,
    )


def _print(lines: list[str]) -> None:
    for line in lines:
        typer.echo(printable(line))
    lines.clear()


def _tell(found: _Found, wanted: _Wanted, told: str) -> None:
    missing = sorted(wanted.keys - found.keys)
    others = "".join(f", {count} {why}" for why, count in sorted(found.others.items()))
    if found.others.total():
        others = f"; not replayed: {others.removeprefix(', ')}"
    if found.keys or not missing:
        count = found.replayed
        typer.echo(f"{told} {count} record{'s' * (count != 1)}{others}")
    if missing:
        message = f"no dead letter {missing[0]!r}"
        raise ProcessorError(message, hint="processor dead-letters list shows the keys")
