import pytest

from definitions import AtomicProperty, Criterion
from processor.criteria import compile_criteria
from processor.events import ATOMIC_COLUMNS, parse_event

APP = AtomicProperty(name="app_id")
PLATFORM = AtomicProperty(name="platform")


def event(**columns):
    values = {
        "event_id": "0b6b5c6a-9a4f-4c0e-8f4f-6f6f3a1c2d3e",
        "collector_tstamp": "2026-11-22 10:00:00.123",
        **columns,
    }
    return parse_event("\t".join(values.get(name, "") for name in ATOMIC_COLUMNS).encode())


SHOP = event(app_id="shop", platform="web")
OTHER = event(app_id="other", platform="web")
IS_SHOP = Criterion.eq(APP, "shop")
IS_WEB = Criterion.eq(PLATFORM, "web")
IS_MOBILE = Criterion.eq(PLATFORM, "mob")


def test_nothing_asked_for_is_no_test():
    assert compile_criteria([], None) is None


@pytest.mark.parametrize(
    ("every", "some", "shop", "other"),
    [
        ([IS_SHOP], None, True, False),
        ([IS_SHOP, IS_WEB], None, True, False),
        ([IS_SHOP, IS_MOBILE], None, False, False),
        ([], [IS_SHOP, IS_MOBILE], True, False),
        ([IS_WEB], [IS_SHOP, IS_MOBILE], True, False),
        ([IS_SHOP], [IS_MOBILE], False, False),
        ([IS_WEB], [], False, False),
    ],
)
def test_all_and_any_must_both_hold(every, some, shop, other):
    met = compile_criteria(every, some)
    assert (met(SHOP), met(OTHER)) == (shop, other)
