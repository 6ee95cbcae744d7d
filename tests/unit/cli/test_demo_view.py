import io

from rich.console import Console

from processor.cli.demo_view import Demo, LinesView, ScreenView
from processor.limits import DEMO_VISITORS_MAX

MESSAGE = {
    "name": "cart_nudge",
    "version": 1,
    "target_attribute_key": {"name": "domain_userid", "id": "8b1"},
    "fired_at": "2020-01-01T10:00:00.123Z",
    "because": [],
}


def demo_with(*visitors):
    demo = Demo(url="http://127.0.0.1:1")
    demo.seen.extend(visitors)
    demo.choose_visitors()
    return demo


def test_no_more_visitors_are_shown_than_fit():
    demo = demo_with(*"abcdef")
    demo.seen.extend("ghi")
    demo.choose_visitors()
    assert len(demo.visitors) == DEMO_VISITORS_MAX
    assert "g" not in demo.visitors


def test_a_visitor_with_whom_nothing_happens_makes_room():
    demo = demo_with(*"abcdef")
    demo.seconds = 60.0
    demo.take({visitor: {"g:a": 1} for visitor in "abcde"})
    demo.seen.extend("gh")
    demo.choose_visitors()
    assert set(demo.visitors) == set("abcdeg")


def test_lines_show_each_intervention_once():
    out = io.StringIO()
    demo = demo_with("a")
    demo.note(MESSAGE)
    with LinesView(Console(file=out)) as view:
        view.show(demo)
        demo.new.clear()
        view.show(demo)
    assert out.getvalue().count("cart_nudge v1") == 1


def test_the_screen_shows_visitors_and_interventions():
    out = io.StringIO()
    demo = demo_with("visitor-1")
    demo.take({"visitor-1": {"g_v1:views": 3}})
    demo.note(MESSAGE)
    with ScreenView(Console(file=out, force_terminal=True, width=120)) as view:
        view.show(demo)
    shown = out.getvalue()
    for part in ("visitor-", "views", "3", "cart_nudge", "8b1"):
        assert part in shown
