"""Every bound for requests over HTTP, with its unit and the reason for the number.

processor/limits.py has the bounds for processing.
"""

# --- requests -----------------------------------------------------------------------------------
REQUEST_BYTES_MAX = 1_000_000
# Bodies of all requests in progress together: 64 of the largest.
REQUESTS_BYTES_MAX = 64_000_000
# JSON values in the body of a request: three times as many as the largest valid one has. In a
# definition: 900 kB of attributes as people write them have 45,000, and a group has 1,000 of them.
REQUEST_JSON_VALUES_MAX = 10_000
DEFINITION_VALUES_MAX = 30_000
# The size of the state is measured at most once in this time, however often metrics are read.
STATE_SIZE_S = 60.0
# Entries of an answer that lists mistakes; if there are more, the last one has their number.
MISTAKES_MAX = 100
# Objects of each kind that one request puts in or out of force.
REQUEST_OBJECTS_MAX = 1_000
# Values of a push, including those in its lists and maps.
PUSH_VALUES_MAX = 1_000
REQUEST_IDS_MAX = 1_000
REQUEST_KEYS_MAX = 100
FORWARD_TIMEOUT_S = 5.0
# A read waits this long for a partition that moves between workers; then the client must retry.
READ_WAIT_S = 5.0
# A body that has not arrived by then is abandoned, and so are headers.
REQUEST_WAIT_S = 30.0
# A connection without any data is closed after this: a client should connect to send a request.
FIRST_WAIT_S = 5.0
# Open files reserved for everything but connections: libraries, the definitions, interventions and
# dead letters, and for each partition its store, its producer and the reader of a takeover. 22 for
# each partition were observed with one broker and an empty store.
FILES_RESERVED = 256
FILES_PER_PARTITION = 64
# If a process may have few files, connections still get this share of them.
CONNECTIONS_FILES_SHARE = 0.25
# No connection is accepted if fewer files than this would be left.
FILES_FREE_MIN = 128
# Shares of all connections that may be subscriptions, and that may come from one address.
STREAMS_SHARE = 0.75
ADDRESS_SHARE = 0.75
# Connections accepted between two yields to the event loop, a tenth of a millisecond each.
ACCEPTED_AT_ONCE = 32
# Time limit of a TLS handshake, and the maximum number of simultaneous handshakes.
HANDSHAKE_WAIT_S = 5.0
HANDSHAKES_MAX = 256
# Changes of definitions that wait for the one before them; each takes a tenth of a second.
DEFINITIONS_WAITING_MAX = 32
# If the outcome of a change is unknown by then, the answer says so; the SDK gives up at 30 s.
DEFINITIONS_CHANGE_S = 20.0
# A change that conflicts with changes of other workers is retried for this long.
DEFINITIONS_CONFLICT_S = 10.0
# A change is answered when all workers use it, or after this: a hung worker delays nobody longer.
DEFINITIONS_SPREAD_S = 2.0
# How long an access token is valid, as in the product.
ACCESS_TOKEN_S = 24 * 3600
# A longer bearer token cannot be ours.
TOKEN_CHARS_MAX = 4_096
# The secret that signs tokens must be as hard to guess as a SHA-256 key.
TOKEN_SECRET_BYTES_MIN = 32
# Lifetime of a token between workers: covers the longest call and differing clocks.
WORKER_TOKEN_S = 30
# Clocks of two workers may differ by this: a token issued further in the future is invalid.
CLOCKS_APART_S = 60
# Values requested at once in a forwarded read: the answer is parsed within milliseconds. And the
# maximum bytes read of another worker's answer.
FORWARDED_VALUES_MAX = 20_000
FORWARDED_BYTES_MAX = 32 * 1024 * 1024
# Attributes named in one request; a service with 100 groups is read by its name.
REQUEST_ATTRIBUTES_MAX = 2_000
# Values in one answer, ids times attributes: 10 MB of JSON.
REQUEST_VALUES_MAX = 500_000
# Values read between two yields to the event loop, so that others get it within 2 ms.
SLICE_VALUES_MAX = 2_000

# A what-if run over HTTP: the app_ids and ids that a request may name, as in the product, and the
# number of ids in the answer if none are named.
TEST_APP_IDS_MAX = 10
TEST_IDS_MAX = 50
TEST_SAMPLE_IDS = 10
# Its profiles if no ids are named, and the memory of all windows: it runs in the memory of a
# worker.
TEST_PROFILES_MAX = 2_000
TEST_BYTES_MAX = 128 * 1024 * 1024
# It is aborted after this: the SDK gives up at 30 s.
TEST_RUN_S = 20.0
# It works this long, then the event loop's thread gets as long.
TEST_SLICE_S = 0.002

# --- subscriptions to interventions ---------------------------------------------------------------
# Targets (an attribute key and an id) of one subscription or of one push.
TARGETS_MAX = 100
# The queue of one client; beyond either limit it is cut off. A larger message is sent alone.
SSE_QUEUE_ITEMS_MAX = 1_000
SSE_QUEUE_BYTES_MAX = 256 * 1024
# Bytes sent to one client at once. Unsent bytes of its connection take memory besides the queue.
SSE_CHUNK_BYTES_MAX = 32 * 1024
# Records formatted for clients, and clients that they are delivered to, between two yields to the
# event loop; one record for more clients goes to all of them at once, half a microsecond each.
SLICE_HANDED_MAX = 40
# Clients that send between two yields to the event loop, 50 microseconds each.
SLICE_WOKEN_MAX = 20
# Missed interventions formatted for a client between two yields to the event loop.
SLICE_REPLAYED_MAX = 50
# Heartbeats sent between two yields to the event loop.
SLICE_HEARTBEATS_MAX = 50
# A client waits this long for a worker that still reads the latest records from before its start.
# Signals' browser plugin gives up permanently if no answer has begun within 2.5 s.
SSE_READY_WAIT_S = 2.0
# A page subscribes while its first event is already on the way, and the event may arrive first. A
# visitor who moves to the next page has no subscription in between. Therefore a page that
# subscribes without an id receives what fired this long before.
SSE_PAGE_REPLAY_MS = 2_000
# An unread answer, or one to a client that vanished silently, is abandoned after this.
CLIENT_SILENT_MS = 30_000
# The id of an event: a varint of up to ten bytes for each of 1024 partitions, in base64.
SSE_ID_CHARS_MAX = 14_000
# Memory of a kept intervention in addition to its bytes.
KEPT_RECORD_BYTES = 400
# Maximum age in seconds of an answer with the metrics: creating it takes milliseconds.
METRICS_AGE_S = 1.0
# Maximum records read again when a worker starts, for clients that reconnect.
KEPT_RECORDS_READ_MAX = 100_000
# How long a subscribe token is valid: by default, and at most.
SUBSCRIBE_TOKEN_S = 300
SUBSCRIBE_TOKEN_S_MAX = 24 * 3600
# Time limits for asking other workers about subscribers, and for Kafka to accept a push.
LISTENERS_WAIT_S = 1.0
PUSH_DELIVERY_MS = 5_000
# Bytes that one push writes for all targets; the largest body for all targets would be 100 MB.
PUSH_BYTES_MAX = 16 * 1024 * 1024
# The name of an attribute in a push: `group:attribute`, as Snowplow's own schema bounds it.
PUSH_NAME_CHARS_MAX = 257
