import re

import pytest

from processor.settings import Settings


def name(**settings):
    return Settings(_env_file=None, **settings).member_name


@pytest.mark.parametrize(
    "http", ["127.0.0.1:8080", "0.0.0.0:8080", "localhost:8080", "[::1]:8080", "[::]:8080"]
)
def test_workers_of_two_machines_have_two_names_without_any_setting(monkeypatch, http):
    names = []
    for machine in ("one.example", "two_\u00e9"):
        monkeypatch.setattr("processor.settings.gethostname", lambda machine=machine: machine)
        names.append(name(http=http))
    assert names == ["one.example-8080", "two_--8080"]
    assert name(http=http, instance_id="mine") == "mine"


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("http://worker-1:8080", "worker-1-8080"),
        ("https://worker-1.workers.svc", "worker-1.workers.svc"),
        ("http://10.0.0.7:80/", "10.0.0.7-80"),
        ("http://[fd00::1]:8080", "-fd00--1--8080"),
    ],
)
def test_where_others_reach_a_worker_names_it(url, found):
    assert name(advertised_url=url) == found


def test_a_name_is_one_that_kafka_takes(monkeypatch):
    monkeypatch.setattr("processor.settings.gethostname", lambda: "x" * 300)
    for made in (name(http="127.0.0.1:1"), name(advertised_url="http://a_b:1")):
        assert re.fullmatch(r"[A-Za-z0-9._-]{1,249}", made)
