"""The catalogue of metrics. Names, units and labels are public; the README lists them."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

EVENTS = Counter("processor_events", "events read from the source", registry=REGISTRY)
EVENTS_BY_CODE = Counter(
    "processor_events_by_code",
    "events read from the source, by the code that read them: native or python",
    ["code"],
    registry=REGISTRY,
)
BACKLOG_BYTES = Gauge(
    "processor_backlog_bytes",
    "about how many bytes of contributions the profile stage has yet to apply",
    registry=REGISTRY,
)
BACKLOG_SECONDS = Gauge(
    "processor_backlog_seconds",
    "how long the oldest contributions have been waiting for the profile stage",
    registry=REGISTRY,
)
SOURCE_WAITS = Gauge(
    "processor_source_waits",
    "1 while the source stage waits because too much is to be applied",
    registry=REGISTRY,
)
EVENTS_MATCHED = Counter(
    "processor_events_matched", "events that contributed to a profile", registry=REGISTRY
)
WATERMARK_AGE = Gauge(
    "processor_watermark_age_seconds",
    "age of the arrival up to which everything is applied, and its holder; deletion waits for it",
    ["of", "holder"],
    registry=REGISTRY,
)
EVENTS_AHEAD = Counter(
    "processor_events_ahead",
    "events whose times are later than the arrival of their record",
    registry=REGISTRY,
)
ARRIVALS_REPLACED = Counter(
    "processor_arrivals_replaced",
    "records of the source whose timestamp was not used: later than the clock, or missing",
    ["reason"],
    registry=REGISTRY,
)
EVENTS_FUTURE = Counter(
    "processor_events_future",
    "events whose derived_tstamp is later than their collector_tstamp",
    registry=REGISTRY,
)
EVENTS_UNDATED = Counter(
    "processor_events_undated",
    "events whose derived_tstamp is not a valid time; they count at their collector_tstamp",
    registry=REGISTRY,
)
RECORDS_UNPACKED = Counter(
    "processor_records_unpacked",
    "packed records of the source, with one event or many",
    ["compression"],
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
    "contributions of events older than one that the profile had already counted",
    registry=REGISTRY,
)
CONTRIBUTIONS_REPLAYED = Counter(
    "processor_contributions_replayed",
    "contributions skipped because the state already holds them",
    registry=REGISTRY,
)
CONTRIBUTIONS_OUTDATED = Counter(
    "processor_contributions_outdated",
    "replayed contributions that a former owner of their source partition had sent",
    registry=REGISTRY,
)
DEDUPLICATION_HORIZON = Gauge(
    "processor_deduplication_horizon_seconds",
    "how far back resent events are recognised",
    registry=REGISTRY,
)
DEDUPLICATION_BYTES = Gauge(
    "processor_deduplication_bytes",
    "memory for the events that are remembered to recognise resent ones",
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
    "processor_flush_seconds", "duration of a flush", buckets=_SECONDS, registry=REGISTRY
)
RESTORED_RECORDS = Counter(
    "processor_restored_records", "changelog records read at takeover", registry=REGISTRY
)
TAKEOVER_SECONDS = Histogram(
    "processor_takeover_seconds", "duration of a takeover", buckets=_SECONDS, registry=REGISTRY
)
FAULTS = Counter(
    "processor_faults", "faults that closed a partition, by class", ["kind"], registry=REGISTRY
)
CLOSED_BACKLOG = Gauge(
    "processor_closed_backlog_records",
    "records that wait behind a partition that a fault has closed",
    ["topic", "partition"],
    registry=REGISTRY,
)
SOURCE_RECORDS_MISSED = Counter(
    "processor_source_records_missed",
    "records of the source that were gone before they were read, as far as known",
    registry=REGISTRY,
)
PARTITIONS = Gauge(
    "processor_partitions", "partitions by role and state", ["role", "state"], registry=REGISTRY
)
FORMAT_LEVEL = Gauge(
    "processor_format_level",
    "format level of the internal records that this worker writes; 0 before it has joined",
    registry=REGISTRY,
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
    "duration of an HTTP request",
    ["route", "status"],
    buckets=_SECONDS,
    registry=REGISTRY,
)
CONNECTIONS = Gauge("processor_connections", "connections to the HTTP API", registry=REGISTRY)
CONNECTIONS_REFUSED = Counter(
    "processor_connections_refused",
    "connections refused, or closed to make room for others, by reason",
    ["reason"],
    registry=REGISTRY,
)
DEFINITIONS_CHANGES = Counter(
    "processor_definitions_changes",
    "changes of definitions that were requested over HTTP, by result",
    ["result"],
    registry=REGISTRY,
)
MEMORY_BUDGET = Gauge(
    "processor_memory_budget_bytes",
    "memory that a worker may take for decoded state, changes, duplicates, replay and prefetch",
    registry=REGISTRY,
)
MEMORY = Gauge(
    "processor_memory_bytes",
    "approximate memory taken from the budget, by purpose",
    ["of"],
    registry=REGISTRY,
)
MEMORY_FREED = Counter(
    "processor_memory_freed_bytes",
    "decoded state that was released because the memory was too small",
    ["of"],
    registry=REGISTRY,
)
MEMORY_WAITS = Counter(
    "processor_memory_waits",
    "times that a partition waited for its flush because changes took too much memory",
    registry=REGISTRY,
)
RESTORED = Gauge(
    "processor_restored_ratio",
    "fraction read so far of the changelogs of partitions being taken over, 0 to 1",
    registry=REGISTRY,
)
STATE_BYTES = Gauge(
    "processor_state_bytes", "size of the data directory of the worker", registry=REGISTRY
)
SSE_CLIENTS = Gauge("processor_sse_clients", "subscribers to interventions", registry=REGISTRY)
SSE_DELIVERED = Counter(
    "processor_sse_delivered", "interventions delivered to a subscriber", registry=REGISTRY
)
SSE_REPLAYED = Counter(
    "processor_sse_replayed",
    "interventions delivered to a subscriber that had missed them",
    registry=REGISTRY,
)
SSE_REPLAYS_INCOMPLETE = Counter(
    "processor_sse_replays_incomplete",
    "subscribers that reconnected after some of what they missed had been dropped",
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
    "records of the interventions topic that are not interventions, and had a subscriber",
    registry=REGISTRY,
)
INTERVENTIONS_PUSHED = Counter(
    "processor_interventions_pushed",
    "direct interventions by status",
    ["status"],
    registry=REGISTRY,
)
