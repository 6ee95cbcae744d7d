"""Every rule of definitions/README.md is shown by a scenario, or by a test that is named here."""

import ast
import re
from pathlib import Path

import pytest

from tests.scenarios.chapters import SCENARIOS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "definitions" / "README.md").read_text()
WRITTEN = re.findall(r"^- \*\*([A-Z]\d+)\*\* ", PAGE, re.MULTILINE)
SHOWN = {number for scenario in SCENARIOS for number in scenario.rules.split()}

# Rules that no scenario shows whole: where the rest is shown.
ALSO = {
    "B4": (
        "tests/unit/engine/test_bounds.py::test_entities_beyond_those_that_are_looked_at_are_counted",
        "tests/unit/engine/test_bounds.py::test_json_that_is_too_deep_is_the_events_fault",
        "tests/unit/engine/test_bounds.py::"
        "test_of_too_many_long_texts_in_one_event_those_beyond_a_frame_are_counted",
    ),
    "E11": (
        "tests/unit/engine/test_what_if.py::test_events_of_packed_records_count_one_by_one",
        "tests/unit/events/test_packed.py::test_a_record_that_unpacks_to_too_much_is_refused",
        "tests/broker/test_bad_input.py::test_events_of_packed_records_count_one_by_one",
        "tests/broker/test_bad_input.py::test_a_record_that_is_no_event_is_a_dead_letter",
    ),
    "I6": ("tests/unit/definitions/test_patterns.py::test_no_regular_expression_takes_long",),
    "K8": ("tests/unit/engine/joint/test_join.py::"
           "test_a_new_instance_is_looked_at_when_every_key_is_heard_whatever_comes_first",
           "tests/unit/engine/joint/test_join.py::"
           "test_the_instance_whose_last_part_came_longest_ago_is_dropped_beyond_the_bound",
           "tests/unit/engine/joint/test_join.py::"
           "test_an_instance_about_which_nothing_arrived_for_an_hour_begins_anew"),
    "L2": (
        "tests/unit/events/test_line.py::"
        "test_a_long_event_id_is_refused_since_it_travels_with_every_contribution",
    ),
    "L5": ("tests/unit/definitions/test_patterns.py::"
           "test_a_regular_expression_that_cannot_be_bounded_is_refused",),
    "L7": ("tests/unit/definitions/test_catalog.py::"
           "test_a_wrong_attribute_has_one_problem_where_it_is",),
    "L8": ("tests/unit/api/reads/test_profiles.py::test_a_wrong_request_is_refused",),
    "L9": ("tests/unit/interventions/test_message.py::"
           "test_a_message_that_is_too_large_says_which_lists_and_maps_it_leaves_out",
           "tests/unit/interventions/test_message.py::"
           "test_a_message_of_long_texts_alone_that_is_too_large_says_which_it_leaves_out"),
    "M3": ("tests/unit/engine/test_step.py::test_what_fired_says_what_a_person_needs_to_know",),
    "M4": ("tests/unit/interventions/test_rule.py::"
           "test_an_id_is_a_uuid_of_rule_version_and_event_alone",),
    "M5": ("tests/unit/interventions/test_message.py::test_lists_and_maps_are_told_as_json",),
    "T7": ("tests/broker/test_sweep.py::"
           "test_a_profile_to_which_nothing_was_contributed_leaves_the_changelog_as_a_tombstone",
           "tests/broker/test_sweep.py::test_an_old_event_that_arrives_now_stays"),
    "V4": ("tests/unit/definitions/test_changes.py::"
           "test_other_content_of_a_published_group_is_refused_with_the_next_free_version",),
    "V7": ("tests/broker/test_life_cycle.py::"
           "test_each_step_writes_what_it_says_and_nothing_else",),
    "V12": ("tests/unit/cli/test_definitions_files.py::"
            "test_wrong_fields_and_wrong_meaning_are_told_at_once",
            "tests/unit/cli/test_definitions_files.py::test_an_unknown_field_is_a_warning"),
    "V13": ("tests/broker/test_definitions.py::"
            "test_a_record_that_cannot_be_right_changes_nothing_and_is_taken_back",),
    "V14": ("tests/broker/test_what_if.py::"
            "test_it_agrees_with_the_live_run_over_the_same_events",),
    "V15": ("tests/unit/api/reads/test_attributes.py::"
            "test_full_attribute_names_name_group_and_version",),
}  # fmt: skip


def test_numbers_are_given_once_and_in_order() -> None:
    assert len(WRITTEN) > 100
    chapters: dict[str, list[int]] = {}
    for number in WRITTEN:
        chapters.setdefault(number[0], []).append(int(number[1:]))
    for letter, numbers in chapters.items():
        assert numbers == list(range(1, len(numbers) + 1)), letter


def test_every_rule_is_shown() -> None:
    missing = [number for number in WRITTEN if number not in SHOWN and number not in ALSO]
    assert not missing, f"write a scenario for {missing}, or name a test here"


def test_scenarios_name_rules_that_there_are() -> None:
    assert not SHOWN - set(WRITTEN)
    assert not set(ALSO) - set(WRITTEN)
    unnamed = [scenario.title for scenario in SCENARIOS if not scenario.rules.split()]
    assert not unnamed, "each scenario shows a rule"


@pytest.mark.parametrize("named", [one for many in ALSO.values() for one in many])
def test_the_named_tests_are_there(named: str) -> None:
    file, _, name = named.partition("::")
    found = {
        node.name
        for node in ast.walk(ast.parse((ROOT / file).read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert name in found, f"{named}: {sorted(found)}"


def test_the_page_is_linked() -> None:
    assert "(definitions/README.md)" in (ROOT / "README.md").read_text()
