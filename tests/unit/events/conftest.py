"""Enriched events made by hand."""

from collections.abc import Callable

import orjson
import pytest

from processor.events import ATOMIC_COLUMNS

CONTEXTS_SCHEMA = "iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/1-0-0"
UNSTRUCT_SCHEMA = "iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0"

LineMaker = Callable[..., bytes]


def make_line(**columns: str | bytes) -> bytes:
    """A page view with the columns that Enrich always fills, and those given."""
    values: dict[str, str | bytes] = {
        "app_id": "shop",
        "platform": "web",
        "collector_tstamp": "2026-11-22 10:00:00.123",
        "derived_tstamp": "2026-11-22 10:00:00.023",
        "event": "page_view",
        "event_id": "c6ef3124-b53a-4b13-a233-0088f79dcbcb",
        "v_collector": "ssc-3.2.0-kafka",
        "v_etl": "snowplow-enrich-kafka-5.0.0",
        "event_vendor": "com.snowplowanalytics.snowplow",
        "event_name": "page_view",
        "event_format": "jsonschema",
        "event_version": "1-0-0",
    }
    values.update(columns)
    texts = [values.get(name, "") for name in ATOMIC_COLUMNS]
    return b"\t".join(text if isinstance(text, bytes) else text.encode() for text in texts)


def make_contexts(*entities: tuple[str, object]) -> bytes:
    """A contexts column; each entity is (vendor/name/format/version, data)."""
    data = [{"schema": f"iglu:{schema}", "data": value} for schema, value in entities]
    return orjson.dumps({"schema": CONTEXTS_SCHEMA, "data": data})


def make_unstruct(schema: str, data: object) -> bytes:
    """An unstruct_event column."""
    inner = {"schema": f"iglu:{schema}", "data": data}
    return orjson.dumps({"schema": UNSTRUCT_SCHEMA, "data": inner})


@pytest.fixture(scope="session")
def line() -> LineMaker:
    return make_line


@pytest.fixture(scope="session")
def contexts() -> Callable[..., bytes]:
    return make_contexts


@pytest.fixture(scope="session")
def unstruct() -> Callable[..., bytes]:
    return make_unstruct
