import msgspec
from hypothesis import given
from hypothesis import strategies as st

from processor.aggregates import AGGREGATES
from processor.windows import Chunk

VALUES = st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.text(), st.booleans())


@given(st.lists(st.tuples(st.integers(0, 2**45), VALUES), min_size=1))
def test_a_chunk_comes_back_from_its_plain_form(entries):
    entries.sort(key=lambda entry: entry[0])
    times, values = [list(column) for column in zip(*entries, strict=True)]
    plain = msgspec.msgpack.decode(msgspec.msgpack.encode(Chunk(times, values).to_plain()))
    again = Chunk.from_plain(*plain)
    assert (again.times, again.values) == (times, values)


@given(st.data())
def test_a_part_has_the_same_result_however_often_the_chunk_was_gathered(data):
    numbers = data.draw(st.lists(st.sampled_from([26.9, -5.78, 3, 1 / 3, 1e16]), min_size=1))
    chunk = Chunk(list(range(len(numbers))), numbers)
    for _ in range(4):
        start = data.draw(st.integers(0, len(numbers) - 1))
        stop = data.draw(st.integers(start + 1, len(numbers)))
        for family in AGGREGATES.values():
            alone = family.gather(chunk.times, chunk.values, start, stop)
            found = family.result_float(chunk.gather(family, start, stop))
            assert found == family.result_float(alone)
