from processor.aggregates.time_since_first import TIME_SINCE_FIRST


def test_the_state_is_the_least_event_time_however_events_arrive():
    state = None
    for time_ms in (5, 9, 3):
        state = TIME_SINCE_FIRST.add(state, time_ms, None)
    assert TIME_SINCE_FIRST.result(state) == 3
