import pytest
from starlette.datastructures import QueryParams

from processor.api.subscriptions.targets import checked_targets, targets_of
from processor.errors import UsageError
from processor.limits import IDENTIFIER_CHARS_MAX
from processor.request_limits import TARGETS_MAX


def test_several_ids_of_several_keys_are_targets_each_once():
    query = QueryParams("user_id=a&user_id=b&domain_sessionid=a&user_id=a")
    assert targets_of(query) == {("user_id", "a"), ("user_id", "b"), ("domain_sessionid", "a")}


def test_other_parameters_are_no_targets():
    query = QueryParams("user_id=a&last-event-id=x&subscribe-token=y")
    assert targets_of(query) == {("user_id", "a")}


def test_any_text_is_an_id():
    longest = "x" * IDENTIFIER_CHARS_MAX
    given = {("k", " "), ("k", "ä&=\n\U0001f600"), ("k", longest)}
    assert checked_targets(given) == given


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([], "0 ids"),
        ([("k", str(number)) for number in range(TARGETS_MAX + 1)], f"{TARGETS_MAX + 1} ids"),
        ([("k", "")], "0 characters"),
        ([("k", "x" * (IDENTIFIER_CHARS_MAX + 1))], f"{IDENTIFIER_CHARS_MAX + 1} characters"),
        ([("", "x")], "not an attribute key"),
        ([("user-id", "x")], "not an attribute key"),
        ([("k" * 1000, "x")], "not an attribute key"),
        ([("k", "\ud800")], "half of a character"),
    ],
)
def test_what_cannot_be_a_target_is_refused_with_a_remedy(given, says):
    with pytest.raises(UsageError, match=says) as refused:
        checked_targets(given)
    assert refused.value.hint


def test_an_id_is_not_repeated_in_a_refusal():
    with pytest.raises(UsageError) as refused:
        checked_targets([("user_id", "secret" * 1000)])
    assert "secret" not in str(refused.value)
