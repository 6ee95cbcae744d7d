import msgspec
from hypothesis import given
from hypothesis import strategies as st

from processor.windows import Chunk

VALUES = st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.text(), st.booleans())


@given(st.lists(st.tuples(st.integers(0, 2**45), VALUES), min_size=1))
def test_a_chunk_comes_back_from_its_plain_form(entries):
    entries.sort(key=lambda entry: entry[0])
    times, values = [list(column) for column in zip(*entries, strict=True)]
    plain = msgspec.msgpack.decode(msgspec.msgpack.encode(Chunk(times, values).to_plain()))
    again = Chunk.from_plain(*plain)
    assert (again.times, again.values) == (times, values)
