from processor.streaming.profiles.trimming import BEHIND_S, INTERVAL_S, Earlier


def test_what_is_applied_stays_for_an_hour():
    earlier = Earlier()
    looks = [number * INTERVAL_S for number in range(200)]
    for number, now_s in enumerate(looks):
        found = earlier.note(now_s, {"topic": {0: number}})
        hour_ago = now_s - 3_600
        assert found == ({} if hour_ago < 0 else {"topic": {0: looks.index(hour_ago)}})
    assert BEHIND_S == 3_600


def test_after_a_pause_the_newest_of_an_hour_ago_counts():
    earlier = Earlier()
    for number in range(3):
        assert earlier.note(number, {"topic": {0: number}}) == {}
    assert earlier.note(10_000, {"topic": {0: 9}}) == {"topic": {0: 2}}
    assert earlier.note(10_001, {"topic": {0: 10}}) == {}
