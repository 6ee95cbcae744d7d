from processor.aggregates.time_since_last import TIME_SINCE_LAST


def test_the_state_is_the_greatest_event_time_however_events_arrive():
    state = None
    for time_ms in (5, 9, 3):
        state = TIME_SINCE_LAST.add(state, time_ms, None)
    assert TIME_SINCE_LAST.result(state) == 9
