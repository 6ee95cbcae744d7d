"""The catalogue of metrics. Names, units and labels are public; README lists them."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

EVENTS = Counter("processor_events", "source records read", registry=REGISTRY)
EVENTS_MATCHED = Counter(
    "processor_events_matched", "events that contributed to a profile", registry=REGISTRY
)
EVENTS_FUTURE = Counter(
    "processor_events_future",
    "events whose derived_tstamp lies after their collector_tstamp",
    registry=REGISTRY,
)
DEAD_LETTERS = Counter(
    "processor_dead_letters", "dead letters written", ["reason"], registry=REGISTRY
)
COLLECTED = Counter(
    "processor_collected_events", "events that the collector wrote", registry=REGISTRY
)
VALUES_REJECTED = Counter(
    "processor_values_rejected",
    "values that contributed nothing: wrong type, too long, not finite",
    ["attribute", "reason"],
    registry=REGISTRY,
)
CONTRIBUTIONS = Counter(
    "processor_contributions", "contributions applied to a profile", registry=REGISTRY
)
CONTRIBUTIONS_LATE = Counter(
    "processor_contributions_late",
    "contributions of events older than one that the profile had counted before",
    registry=REGISTRY,
)
CONTRIBUTIONS_REPLAYED = Counter(
    "processor_contributions_replayed",
    "contributions skipped because the state already holds them",
    registry=REGISTRY,
)
DUPLICATES = Counter(
    "processor_duplicates", "events that a profile had already counted", registry=REGISTRY
)
PARTS_SENT = Counter(
    "processor_parts_sent", "parts of rules across attribute keys sent", registry=REGISTRY
)
PARTS_APPLIED = Counter(
    "processor_parts_applied", "parts of rules across attribute keys applied", registry=REGISTRY
)
INTERVENTIONS = Counter(
    "processor_interventions", "interventions fired", ["name"], registry=REGISTRY
)
FLUSHES = Counter("processor_flushes", "flushes by result", ["result"], registry=REGISTRY)
FLUSH_SECONDS = Histogram(
    "processor_flush_seconds", "time of one flush", buckets=_SECONDS, registry=REGISTRY
)
RESTORED_RECORDS = Counter(
    "processor_restored_records", "changelog records read at takeover", registry=REGISTRY
)
TAKEOVER_SECONDS = Histogram(
    "processor_takeover_seconds", "time of one takeover", buckets=_SECONDS, registry=REGISTRY
)
PARTITIONS = Gauge(
    "processor_partitions", "partitions by role and state", ["role", "state"], registry=REGISTRY
)
LAG = Gauge(
    "processor_lag_records", "records not yet read", ["topic", "partition"], registry=REGISTRY
)
PROFILES_EXPIRED = Counter(
    "processor_profiles_expired", "profiles removed by the sweep", registry=REGISTRY
)
DEFINITIONS_OFFSET = Gauge(
    "processor_definitions_offset", "definitions offset of the plan in use", registry=REGISTRY
)
DEFINITIONS_REFUSED = Counter(
    "processor_definitions_refused", "definition records refused", registry=REGISTRY
)
REQUEST_SECONDS = Histogram(
    "processor_request_seconds",
    "time of one HTTP request",
    ["route", "status"],
    buckets=_SECONDS,
    registry=REGISTRY,
)
DEFINITIONS_CHANGES = Counter(
    "processor_definitions_changes",
    "changes of definitions that were asked for over HTTP, by outcome",
    ["result"],
    registry=REGISTRY,
)
RESTORED = Gauge(
    "processor_restored_ratio",
    "share of the changelogs of partitions being taken over that is read, 0 to 1",
    registry=REGISTRY,
)
STATE_BYTES = Gauge(
    "processor_state_bytes", "bytes in the data directory of the worker", registry=REGISTRY
)
SSE_CLIENTS = Gauge("processor_sse_clients", "subscribers of interventions", registry=REGISTRY)
SSE_DELIVERED = Counter(
    "processor_sse_delivered", "interventions handed to a subscriber", registry=REGISTRY
)
SSE_REPLAYED = Counter(
    "processor_sse_replayed",
    "interventions handed to a subscriber that had missed them",
    registry=REGISTRY,
)
SSE_REPLAYS_INCOMPLETE = Counter(
    "processor_sse_replays_incomplete",
    "subscribers that came back later than interventions are kept",
    registry=REGISTRY,
)
SSE_CUT_OFF = Counter(
    "processor_sse_cut_off", "subscribers cut off because they read too slowly", registry=REGISTRY
)
SSE_REFUSED = Counter(
    "processor_sse_refused", "subscriptions refused, by reason", ["reason"], registry=REGISTRY
)
INTERVENTIONS_UNREADABLE = Counter(
    "processor_interventions_unreadable",
    "records of the interventions topic that are none, and had a subscriber",
    registry=REGISTRY,
)
INTERVENTIONS_PUSHED = Counter(
    "processor_interventions_pushed",
    "direct interventions by status",
    ["status"],
    registry=REGISTRY,
)
