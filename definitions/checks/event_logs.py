"""What agentic contexts must satisfy beyond the form of their fields."""

from collections import Counter
from typing import Final

from definitions.checks.properties import check_property
from definitions.event_logs import EventLog, output_name
from definitions.problems import ProblemCode, ProblemList
from definitions.reading import has

_KEY: Final = "domain_sessionid"


def check_event_log(event_log: EventLog, place: str, found: ProblemList) -> None:
    """Check one agentic context by itself."""
    if has(event_log, "attribute_key") and event_log.attribute_key.name != _KEY:
        found.add(
            ProblemCode.UNSUPPORTED,
            f"{place} / attribute_key",
            "agentic contexts are kept by session alone",
            hint=f"use {_KEY}",
            value=event_log.attribute_key.name,
        )
    for number, selection in enumerate(vars(event_log).get("events") or (), start=1):
        where = f"{place} / event {number}"
        for position, prop in enumerate(selection.properties, start=1):
            check_property(prop, f"{where} / property {position}", found, computed=True)
        for name, count in Counter(map(output_name, selection.properties)).items():
            if count > 1:
                found.add(
                    ProblemCode.DUPLICATE_ATTRIBUTE,
                    f"{where} / properties",
                    f"{count} properties are called {name!r}",
                    hint="give all but one of them an output_name",
                    value=name,
                )
