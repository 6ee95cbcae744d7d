import pytest

from processor.events import Source, Trigger, parse_event

TRIGGER = Trigger("e1", "click", "2026-11-22 10:00:00.023", Source("enriched", 3), 42, 1_000)


def test_two_of_one_event_are_equal():
    assert (
        Trigger("e1", "click", "2026-11-22 10:00:00.023", Source("enriched", 3), 42, 1_000)
        == TRIGGER
    )


@pytest.mark.parametrize("name", ["event_id", "source", "offset", "time_ms", "arrival_ms"])
def test_it_never_changes_on_its_way(name):
    with pytest.raises(AttributeError):
        setattr(TRIGGER, name, 7)


def test_when_it_arrived_is_not_known_where_nobody_says_it():
    assert TRIGGER.arrival_ms == 0


@pytest.mark.parametrize("derived", ["2026-11-22 10:00:00.023", "2026-11-22T10:00:00.023Z", ""])
def test_what_is_kept_of_an_event_names_it_and_where_and_when_it_came(line, derived):
    event = parse_event(line(event_name="click", derived_tstamp=derived), 1_795_341_600_500)
    trigger = event.trigger(Source("enriched", 3), 42)
    assert (trigger.event_id, trigger.event_name) == (event.event_id, "click")
    assert trigger.derived_tstamp == event.derived_tstamp
    assert (trigger.source, trigger.offset) == (Source("enriched", 3), 42)
    assert (trigger.time_ms, trigger.arrival_ms) == (event.time_ms, event.arrival_ms)
