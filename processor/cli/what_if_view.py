"""The result of a what-if run, for people and for programs."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from processor.aggregates import Result
from processor.cli.interventions import described
from processor.engine import CompiledAttribute, WhatIf
from processor.interventions import Fired, encode_message
from processor.printable import printable, printable_json

# Interventions that are listed at most; all are counted.
_LISTED_MAX = 50


@dataclass(frozen=True, slots=True)
class Choice:
    """What to show: for each key these ids, or `sample` of them if none; values at `now_ms`."""

    keys: Sequence[str]
    ids: Sequence[str]
    sample: int
    seed: int
    now_ms: int


@dataclass(frozen=True, slots=True)
class Values:
    """The attributes of one group version, and their values by id."""

    key: str
    attributes: Sequence[CompiledAttribute]
    rows: dict[str, list[Result]]


def as_json_object(run: WhatIf, choice: Choice) -> str:
    """Return everything as one JSON object."""
    profiles: dict[str, dict[str, dict[str, Result]]] = {key: {} for key in choice.keys}
    for values in _values(run, choice):
        names = [attribute.full_name for attribute in values.attributes]
        for identifier, row in values.rows.items():
            of_id = profiles[values.key].setdefault(identifier, {})
            of_id.update(zip(names, row, strict=True))
    found = {
        **_counts(run),
        "now_ms": choice.now_ms,
        "profiles": profiles,
        "interventions": [_message(fired) for fired in run.fired],
        "interventions_fired": [
            {"name": name, "version": version, "count": count}
            for (name, version), count in sorted(run.fired_counts.items())
        ],
    }
    return printable_json(json.dumps(found, ensure_ascii=False))


def show(run: WhatIf, choice: Choice) -> None:
    """Print tables on a terminal, otherwise tab-separated lines with the counts on stderr."""
    console = Console()
    if not console.is_terminal:
        for line in _lines(run, choice):
            typer.echo(line)
        typer.echo(_summary(run), err=True)
        return
    for values in _values(run, choice):
        first = values.attributes[0]
        title = f"{first.group} v{first.version}"
        table = Table(values.key, title=title, title_justify="left")
        for attribute in values.attributes:
            table.add_column(attribute.name, overflow="fold")
        for identifier, row in values.rows.items():
            table.add_row(*(Text(printable(cell)) for cell in (identifier, *map(_text, row))))
        console.print(table)
    told = Console(soft_wrap=True, highlight=False)
    for fired in run.fired[:_LISTED_MAX]:
        told.print(described(_message(fired)))
    if (more := run.fired_counts.total() - _LISTED_MAX) > 0:
        told.print(f"and {more} more")
    for (name, version), count in sorted(run.fired_counts.items()):
        line = f"{name} v{version} would have fired {count} time{'s' * (count != 1)}"
        told.print(Text(printable(line)))
    if (run.plan.rules or run.plan.joints) and not run.fired_counts:
        told.print("no intervention would have fired")
    told.print(Text(printable(_summary(run))))


def _values(run: WhatIf, choice: Choice) -> Iterator[Values]:
    for key in choice.keys:
        attributes = run.plan.key_attributes(key)
        ids = choice.ids or run.sample(
            attributes, choice.sample, seed=choice.seed, now_ms=choice.now_ms
        )
        for _, group in groupby(attributes, lambda one: (one.group, one.version)):
            of_group = list(group)
            rows = {one: run.values(key, one, of_group, choice.now_ms) for one in ids}
            yield Values(key, of_group, rows)


def _lines(run: WhatIf, choice: Choice) -> Iterator[str]:
    for values in _values(run, choice):
        for identifier, row in values.rows.items():
            for attribute, value in zip(values.attributes, row, strict=True):
                cells = ("attribute", values.key, identifier, attribute.full_name, _text(value))
                yield "\t".join(map(printable, cells))
    for fired in run.fired:
        because = json.dumps(_message(fired)["because"], ensure_ascii=False)
        name = f"{fired.name}_v{fired.version}"
        who = map(printable, ("intervention", fired.target_key, fired.target_id, name))
        yield "\t".join((*who, printable_json(because)))


def _counts(run: WhatIf) -> dict[str, Any]:  # JSON values
    return {
        "events": run.events,
        "matched": run.matched,
        "duplicates": run.duplicates,
        "left_out": run.left_out,
        "malformed": {reason.value: count for reason, count in sorted(run.malformed.items())},
        "rejected": [
            {"attribute": attribute, "reason": reason, "count": count}
            for (attribute, reason), count in sorted(run.plan.take_rejected().items())
        ],
    }


def _summary(run: WhatIf) -> str:
    counts = _counts(run)
    parts = [f"{run.events} events", f"{run.matched} contributed"]
    if run.duplicates:
        parts.append(f"{run.duplicates} duplicates")
    parts += [f"{count} malformed ({reason})" for reason, count in counts["malformed"].items()]
    parts += [
        f"{one['count']} values of {one['attribute']} not used ({one['reason']})"
        for one in counts["rejected"]
    ]
    if run.left_out:
        parts.append(f"{run.left_out} left out: too many ids, choose some with --id")
    return ", ".join(parts)


def _message(fired: Fired) -> dict[str, Any]:  # the JSON of an intervention
    found: dict[str, Any] = json.loads(encode_message(fired))["data"]
    return found


def _text(value: Result) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
