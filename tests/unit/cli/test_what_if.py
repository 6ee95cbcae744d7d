"""`processor test` on events of a file."""

import json

import pytest

from processor.cli import what_if
from processor.events import ATOMIC_COLUMNS
from processor.local.shop import Shop

START_MS = 1_700_000_000_000


@pytest.fixture
def shop_file(tmp_path):
    """A thousand events of a shop, the last of them late, and two lines that are no events."""
    shop = iter(Shop(3, users=30, start_ms=START_MS, rate=50.0))
    lines = [next(shop).value for _ in range(1_000)]
    lines[500:500] = [b"no event", b"\t" * 130]
    file = tmp_path / "events.tsv"
    file.write_bytes(b"\n".join(lines) + b"\n")
    return file


def line(user, event_id, at="2026-11-22 10:00:00.000", app_id="shop"):
    values = {
        "app_id": app_id,
        "event_id": event_id,
        "collector_tstamp": at,
        "domain_userid": user,
        "event_vendor": "com.snowplowanalytics.snowplow",
        "event_name": "page_view",
        "event_version": "1-0-0",
    }
    return "\t".join(values.get(name, "") for name in ATOMIC_COLUMNS)


@pytest.fixture
def views(tmp_path):
    """A group of views, of all time and of the last minute, and a rule on them."""
    view = {"type": "int32", "aggregation": "counter", "events": [{"name": "page_view"}]}
    group = {
        "name": "web",
        "owner": "a@example.com",
        "attribute_key": {"name": "domain_userid"},
        "attributes": [{"name": "all", **view}, {"name": "recent", "period": "PT1M", **view}],
    }
    rule = {
        "name": "twice",
        "owner": "a@example.com",
        "criteria": {"attribute": "web:all", "operator": ">=", "value": 2},
    }
    file = tmp_path / "views.json"
    file.write_text(json.dumps([group, rule]))
    return file


@pytest.fixture
def view_events(tmp_path):
    lines = [
        line("u", "1"),
        line("v", "2"),
        line("u", "3", "2026-11-22 10:02:00.000"),
        line("u", "4", "2026-11-22 10:02:00.000", app_id="blog"),
    ]
    file = tmp_path / "views.tsv"
    file.write_text("\r\n".join(lines))
    return file


def json_of(run, *arguments):
    result = run("test", *arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_everything_as_json(run, views, view_events):
    found = json_of(run, views, "--events", view_events)
    assert (found["events"], found["matched"], found["malformed"]) == (4, 4, {})
    assert found["now_ms"] == 1_795_341_720_000
    assert found["profiles"]["domain_userid"] == {
        "u": {"web_v1:all": 3, "web_v1:recent": 2},
        "v": {"web_v1:all": 1, "web_v1:recent": None},
    }
    (message,) = found["interventions"]
    assert (message["name"], message["target_attribute_key"]["id"]) == ("twice", "u")
    assert message["because"][0]["after"] == 2
    assert message["trigger"]["offset"] == 2
    assert found["interventions_fired"] == [{"name": "twice", "version": 1, "count": 1}]


def test_values_are_read_at_the_time_that_is_asked_for(run, views, view_events):
    found = json_of(run, views, "--events", view_events, "--at", "2026-11-22T10:00:30Z")
    assert found["profiles"]["domain_userid"]["v"]["web_v1:recent"] == 1


def test_only_events_of_the_app_id_count(run, views, view_events):
    found = json_of(run, views, "--events", view_events, "--app-id", "blog", "--app-id", "x")
    assert found["matched"] == 1
    assert list(found["profiles"]["domain_userid"]) == ["u"]


def test_the_app_ids_of_the_settings_count_where_none_is_given(
    run, views, view_events, monkeypatch
):
    monkeypatch.setenv("PROCESSOR_APP_IDS", "shop")
    assert json_of(run, views, "--events", view_events)["matched"] == 3


def test_the_ids_that_are_asked_for_are_shown_also_without_values(run, views, view_events):
    found = json_of(run, views, "--events", view_events, "--id", "v", "--id", "nobody")
    assert found["profiles"]["domain_userid"] == {
        "v": {"web_v1:all": 1, "web_v1:recent": None},
        "nobody": {"web_v1:all": None, "web_v1:recent": None},
    }
    assert found["interventions"] == []


def test_ten_ids_are_shown_and_the_same_again(run, example, shop_file):
    first = json_of(run, example, "--events", shop_file)
    assert first["events"] == 1_002
    assert first["malformed"] == {"column_count": 1, "event_id": 1}
    shown = first["profiles"]["domain_userid"]
    assert len(shown) == 10
    assert all(any(value is not None for value in row.values()) for row in shown.values())
    assert json_of(run, example, "--events", shop_file) == first
    other = json_of(run, example, "--events", shop_file, "--seed", "2", "--sample", "3")
    assert len(other["profiles"]["domain_userid"]) == 3
    assert other["interventions"] == first["interventions"] != []


def test_plain_lines_elsewhere_than_on_a_terminal(run, views, view_events):
    result = run("test", views, "--events", view_events)
    lines = [one.split("\t") for one in result.stdout.splitlines()]
    assert ["attribute", "domain_userid", "u", "web_v1:all", "3"] in lines
    assert lines[-1][:4] == ["intervention", "domain_userid", "u", "twice_v1"]
    assert result.stderr == "4 events, 4 contributed\n"


def test_an_empty_file_is_named(run, views, tmp_path):
    empty = tmp_path / "empty.tsv"
    empty.write_text("")
    result = run("test", views, "--events", empty)
    assert result.stderr.splitlines()[-1] == f"no events in the file {str(empty)!r}"


def test_an_empty_topic_is_named_with_the_time_from_which_it_was_read(run, views, monkeypatch):
    monkeypatch.setattr(what_if, "_take_topic", lambda *_: 0)
    since = "2026-01-02T03:04:05.000Z"
    result = run("test", views, "--from", since, "--enriched-topic", "shop")
    line = result.stderr.splitlines()[-1]
    assert line.startswith(f"no events in the topic 'shop' since {since} - ")


def test_wrong_definitions_are_told_as_check_tells_them(run, wrong_file, view_events):
    result = run("test", wrong_file, "--events", view_events)
    assert result.exit_code == 1
    assert result.stderr == run("check", wrong_file).stderr


@pytest.mark.parametrize(
    "options",
    [
        ("--window", "1h", "--from", "2026-11-22"),
        ("--events", "views.tsv", "--window", "1h"),
        ("--events", "views.tsv", "--from", "2026-11-22"),
        ("--window", "an hour"),
        ("--from", "yesterday"),
        ("--events", "views.tsv", "--at", "noon"),
        ("--events", "missing.tsv"),
        ("--sample", "0"),
    ],
)
def test_wrong_use(run, views, view_events, options):
    result = run("test", views, *options)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")


def test_ids_are_asked_for_in_any_case_and_nobody_has_none(run, views, tmp_path, monkeypatch):
    uuid, nil = "8b1e51b9-9a4f-4c0e-8f4f-6f6f3a1c2d3e", "00000000-0000-0000-0000-000000000000"
    users = [uuid, uuid.upper(), nil, "undefined"]
    file = tmp_path / "ids.tsv"
    file.write_text("\n".join(line(user, str(at)) for at, user in enumerate(users)))
    monkeypatch.setenv("PROCESSOR_NOBODY_IDS", "null, undefined")
    ids = ["--id", uuid.upper(), "--id", nil]
    found = json_of(run, views, "--events", file, *ids)
    assert found["profiles"]["domain_userid"] == {
        uuid.upper(): {"web_v1:all": 2, "web_v1:recent": 2},
        nil: {"web_v1:all": None, "web_v1:recent": None},
    }
    assert found["matched"] == 2
    assert found["rejected"] == [{"attribute": "domain_userid", "reason": "nobody", "count": 2}]
    assert list(json_of(run, views, "--events", file)["profiles"]["domain_userid"]) == [uuid]
