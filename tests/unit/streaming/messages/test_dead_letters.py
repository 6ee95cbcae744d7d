import json

import pytest

from processor.errors import DeadLetterReason
from processor.streaming.messages.dead_letters import Refused, encode_dead_letter


@pytest.mark.parametrize("detail", ["", "half of a character \ud83d", "\x1b[2J\x00", "ü" * 5_000])
def test_any_detail_makes_a_dead_letter(detail: str) -> None:
    refused = Refused("enriched", 0, 1, -1, b"\xff", DeadLetterReason.JSON, detail)
    told = json.loads(encode_dead_letter(refused))
    assert told["reason"] == "json"
    assert told["detail"] == detail[:1_000].replace("\ud83d", "?")
