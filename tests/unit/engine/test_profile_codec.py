import base64
import json
from fractions import Fraction
from pathlib import Path

import pytest
from msgspec.structs import asdict, astuple

from processor.engine import Profile, changed_records, decode_profile, new_profile, read_attributes
from processor.engine.joint.instance import decode_heard
from processor.errors import StateError, StateFormatError
from processor.formats import NEWEST_LEVEL
from processor.limits import PROFILE_BYTES_MAX

START = 1_700_000_000_000
NAMES = [
    "sum", "mean", "min", "max", "first", "last", "unique_list", "most_frequent", "least_frequent",
    "category_count", "approx_count_distinct",
]  # fmt: skip
# One attribute of each series.
SERIES = ("sum", "category_count")
DATA = Path(__file__).parents[2] / "data"
GOLDEN = DATA / "profile-v1.json"
# Written when sums were exact over binary numbers: 1,500 of these amounts, one a second.
GOLDEN_PRICES = DATA / "profile-v1-prices.json"
CENTS = (2690, 578, 6732, -9999, 1010, 2020, -3030, 435)


@pytest.fixture
def shop(write):
    kept = [*NAMES, "time_since_last", "time_since_first"]
    return write.group(
        write.attribute("count"),
        write.attribute("recent", period=3_600_000),
        *(write.attribute(name, name, ttl=86_400_000) for name in kept),
        *(write.attribute(f"{name}_recent", name, period=3_600_000) for name in kept),
    )


def history(one, count):
    for number in range(count):
        value = number / 8 if number % 3 else number
        one.step(
            START + number * 97 % 500, f"event-{number}", count=None, **dict.fromkeys(SERIES, value)
        )


def test_a_profile_comes_back_as_it_was(write, bench, shop):
    one = bench(write.plan(shop))
    history(one, 700)
    before, head = one.read(START + 500), one.profile.head
    one.reload()
    assert one.profile.head == head
    assert one.read(START + 500) == before


def test_sums_that_no_number_holds_come_back(write, bench):
    integers = write.attribute("a", "sum", type="int64")
    floats = write.attribute("b", "sum")
    one = bench(write.plan(write.group(integers, floats)))
    for _ in range(3):
        one.step(START, a=2**63 - 1, b=1e308)
    one.reload()
    one.step(START, b=-1.5e308)
    one.step(START, b=-1e308)
    assert one.read(START) == {"a": 3 * (2**63 - 1), "b": 0.5e308}


def test_sums_of_many_digits_come_back(write, bench):
    one = bench(write.plan(write.group(write.attribute("a", "sum"), write.attribute("b", "mean"))))
    for number in range(1, 30):
        one.step(START, a=1 / number)
        before = one.read(START)
        one.reload()
        assert one.read(START) == before
    exact = sum(Fraction(repr(1 / number)) for number in range(1, 30))
    assert one.read(START) == {"a": float(exact), "b": float(exact / 29)}


def test_sums_that_were_exact_over_binary_numbers_go_on_as_decimal_ones(write, bench):
    price = [("sum", "sum", {}), ("mean", "mean", {}), ("whole", "sum", {"type": "int64"})]
    price += [(f"{of}_1h", of, {"period": 3_600_000}) for of in ("sum", "mean")]
    price += [("sum_1m", "sum", {"period": 60_000})]
    one = bench(write.plan(write.group(*(write.attribute(*two, **more) for *two, more in price))))
    golden = json.loads(GOLDEN_PRICES.read_text())
    one.store = {
        bytes.fromhex(key): base64.b64decode(text) for key, text in golden["records"].items()
    }
    one.profile = decode_profile(one.store[b""], one.store)
    one.events = 1_500  # whose last ids the head has
    cents = [CENTS[number % 8] for number in range(1_500)]
    # What had come of the sum over binary numbers has 15 digits already.
    assert one.read(golden["now_ms"]) == {
        "sum": 815.329999999999,
        "mean": float(Fraction("815.329999999999") / 1_500),
        "whole": 81_533,
        "sum_1h": pytest.approx(815.33, rel=1e-14),
        "mean_1h": pytest.approx(815.33 / 1_500, rel=1e-14),
        "sum_1m": sum(cents[-60:]) / 100,
    }
    for number in range(1_500, 6_000):
        cents.append(CENTS[number * 7 % 8])
        one.step(START + number * 1_000, sum=cents[-1] / 100, whole=cents[-1])
        if number % 500 == 99:
            one.reload()
            found = one.read(START + number * 1_000)
            exact = Fraction("815.329999999999") + Fraction(sum(cents[1_500:]), 100)
            assert (found["sum"], found["mean"]) == (float(exact), float(exact / len(cents)))
            assert found["whole"] == sum(cents)
            assert found["sum_1m"] == sum(cents[-60:]) / 100
            assert found["sum_1h"] == pytest.approx(sum(cents[-3_600:]) / 100, rel=1e-13)
    # All that was there before has left the windows.
    found = one.read(START + 5_999_000)
    assert found["sum_1h"] == sum(cents[-3_600:]) / 100
    assert found["mean_1h"] == sum(cents[-3_600:]) / 360_000


def test_only_what_changed_is_given_out_and_only_once(write, bench, shop):
    one = bench(write.plan(shop))
    history(one, 700)
    one.reload()
    assert changed_records(one.profile, NEWEST_LEVEL) == []
    one.step(START + 600, count=None)
    assert [suffix for suffix, _ in changed_records(one.profile, NEWEST_LEVEL)] == [b""]
    assert changed_records(one.profile, NEWEST_LEVEL) == []


def test_a_new_profile_has_nothing_to_write():
    assert changed_records(Profile(), NEWEST_LEVEL) == []


def test_a_new_profile_reads_its_own_chunks_from_the_store(write, bench, shop):
    one = bench(write.plan(shop))
    one.profile = new_profile(one.store)
    for _ in range(3):
        history(one, 400)
        one.store.update(changed_records(one.profile, NEWEST_LEVEL))
    assert one.read(START + 500)["recent"] == 1_200


def test_the_golden_profile_of_format_1_is_still_read(write, shop):
    golden = json.loads(GOLDEN.read_text())
    records = {
        bytes.fromhex(key): base64.b64decode(text) for key, text in golden["records"].items()
    }
    assert {record[0] for record in records.values()} == {0xA5, 0xA6, 0xA7, 0xA8}
    profile = decode_profile(records[b""], records)
    attributes = write.plan(shop).group_attributes("g")
    assert read_attributes(profile, attributes, golden["now_ms"]) == golden["attributes"]
    assert [list(one) for one in profile.head.firings.values()] == golden["firings"]
    joints = {str(rule): list(map(plain, some)) for rule, some in profile.head.joints.items()}
    assert all(one.pop("arrival_ms") == -1 for some in joints.values() for one in some)
    assert joints == golden["joints"]


def plain(instance):
    heard = {key: astuple(decode_heard(data)) for key, data in instance.heard.items()}
    assert not any(one[-1] for one in heard.values()), "none has waited"
    return asdict(instance) | {"heard": {key: list(one[:-1]) for key, one in heard.items()}}


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda head: b"", "0 bytes is too short"),
        (lambda head: head[:1] + b"\x09" + head[2:], "0xa5/9"),
        (lambda head: b"\x00" + head[1:], "0x00/2"),
        (lambda head: head[:-1] + b"\xff", "checksum"),
        (lambda head: head + b"\x00", "checksum"),
    ],
)
def test_a_head_that_is_not_ours_is_refused_with_what_was_found(write, bench, damage, message):
    one = bench(write.plan(write.group(write.attribute("a"))))
    one.step(START, a=None)
    one.reload()
    with pytest.raises(StateFormatError, match=message):
        decode_profile(damage(one.store[b""]), one.store)


def test_a_body_of_another_shape_is_refused(write, bench, shop):
    one = bench(write.plan(shop))
    history(one, 700)
    one.reload()
    chunk = next(record for suffix, record in one.store.items() if suffix)
    with pytest.raises(StateFormatError, match="0xa6/2"):
        decode_profile(chunk, one.store)


def test_a_chunk_that_is_damaged_or_missing_is_refused(write, bench, shop):
    one = bench(write.plan(shop))
    history(one, 700)
    one.reload()
    for suffix in [suffix for suffix in one.store if suffix]:
        one.store[suffix] = one.store[suffix][:-1] + bytes([one.store[suffix][-1] ^ 1])
    with pytest.raises(StateFormatError, match="checksum"):
        one.read(START + 250)
    one.store = {}
    one.profile = decode_profile(_head(one.profile), one.store)
    with pytest.raises(StateError, match="missing"):
        one.read(START + 250)


def _head(profile):
    profile.changed = True
    return dict(changed_records(profile, NEWEST_LEVEL))[b""]


def test_the_largest_head_fits_its_record(write, bench):
    text = "x" * 512
    attributes = [
        write.attribute(f"a{number}", "last", type="string", period=1_000 + number,
                        events=[{"name": f"e{number}"}])
        for number in range(100)
    ]  # fmt: skip
    one = bench(write.plan(write.group(*attributes)))
    for number in range(32):
        one.step(START + number, **{attribute.name: text for attribute in attributes})
    one.reload()
    assert len(one.store[b""]) < PROFILE_BYTES_MAX
