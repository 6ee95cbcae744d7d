"""What a target remembers of a joint rule."""

import msgspec
import pytest

from processor.engine.joint.instance import Heard, JointInstance, decode_heard, encode_heard

LARGE = [2**63, 2**64, -(2**63) - 1, 2**70, -(2**70), 255 << 64, -(128 << 64)]


@pytest.mark.parametrize(
    "one",
    [
        Heard("e", [1, None], [["a"], {"b": 1}], [1.5]),
        Heard("e", LARGE, LARGE, LARGE),
        Heard("e", [1], [2], [1.5], waited=True),
        Heard("e", LARGE, [2], [1.5], waited=True),
    ],
)
def test_what_an_instance_keeps_comes_back(one):
    assert decode_heard(encode_heard(one)) == one


def test_what_a_version_before_wrote_has_not_waited():
    data = msgspec.msgpack.encode(["e", [1], [2], [3]])
    assert decode_heard(data) == Heard("e", [1], [2], [3], waited=False)


def test_the_size_of_an_instance_is_that_of_the_parts_it_keeps():
    instance = JointInstance({"user_id": "jo"}, {"user_id": b"123", "shop": b"12"}, "", 5)
    assert instance.size == 5
