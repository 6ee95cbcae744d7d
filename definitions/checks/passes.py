"""The three passes over one definition: its form, its meaning, and what it names."""

from definitions.attribute_groups import AttributeGroup
from definitions.attribute_keys import AttributeKey
from definitions.checks.attribute_groups import check_group, check_group_in
from definitions.checks.attribute_keys import check_key, check_key_in
from definitions.checks.event_logs import check_event_log
from definitions.checks.interventions import check_rule, check_rule_in
from definitions.checks.services import check_service_in
from definitions.directory import Directory
from definitions.event_logs import EventLog
from definitions.interventions import RuleIntervention
from definitions.limits import RECORD_BYTES_MAX
from definitions.objects import Definition, place_of, record_key, to_record
from definitions.problems import Problem, ProblemCode, ProblemList
from definitions.reading import Reading, raw_of, read
from definitions.services import Service


def check_form(definition: Definition) -> Reading[Definition]:
    """Read a definition again from its content: it may have been built unchecked."""
    place, record = place_of(definition), record_key(definition)
    reading = read(type(definition), raw_of(definition), place, record, quiet=True)
    if not reading.problems:
        size = len(to_record(reading.value))
        if size > RECORD_BYTES_MAX:
            found = ProblemList(record)
            found.add(
                ProblemCode.TOO_LARGE,
                place,
                f"its record has more than {RECORD_BYTES_MAX} bytes",
                hint="split it into several definitions",
                value=size,
            )
            return Reading(reading.value, found.items)
    return reading


def check_meaning(definition: Definition) -> list[Problem]:
    """What is wrong with a definition regardless of the others. Takes what `check_form` read."""
    found = ProblemList(record_key(definition))
    place = place_of(definition)
    match definition:
        case AttributeKey():
            check_key(definition, place, found)
        case AttributeGroup():
            check_group(definition, place, found)
        case RuleIntervention():
            check_rule(definition, place, found)
        case EventLog():
            check_event_log(definition, place, found)
    return found.items


def check_names(definition: Definition, directory: Directory) -> list[Problem]:
    """What a definition names that does not exist, is not live, or does not fit it."""
    found = ProblemList(record_key(definition))
    place = place_of(definition)
    match definition:
        case AttributeKey():
            check_key_in(definition, place, found, directory)
        case AttributeGroup():
            check_group_in(definition, place, found, directory)
        case Service():
            check_service_in(definition, place, found, directory)
        case RuleIntervention():
            check_rule_in(definition, place, found, directory)
    return found.items
