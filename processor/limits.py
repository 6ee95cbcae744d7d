"""Every bound in one place, with its unit and the reason for the number.

The chain that must hold (tests/tidy checks it): the largest contribution fits a frame, the largest
profile record fits a changelog record, the largest dead letter fits its topic.
"""

# --- what one event may hold -------------------------------------------------------------------
# Enrich's own default maximum record size; Kafka's default message size is the same.
EVENT_BYTES_MAX = 1_000_000
# event_id, which travels with every contribution and firing; Enrich's own check is 36 characters.
EVENT_ID_BYTES_MAX = 1_000
# Vendor, name and version of an event's schema, and the Iglu URI of an entity: Enrich's limit.
SCHEMA_PART_BYTES_MAX = 1_000
# Ids are at most this many characters; longer ones contribute nothing.
IDENTIFIER_CHARS_MAX = 256
# A string value longer than this contributes nothing: 100 of them must still fit a profile record.
VALUE_BYTES_MAX = 4_096
# Integers beyond 64 bit have no wire form; they contribute nothing.
INTEGER_MAX = 2**63 - 1
# A column with deeper JSON than this is malformed. Snowplow schemas stay below 10; the decoder
# shares Python's stack of 1000 frames and must not depend on who calls it.
JSON_DEPTH_MAX = 500
# Entities looked at in one event; Snowplow events carry fewer than 20.
ENTITIES_MAX = 10_000
# Selector lookups remembered (vendor, name, version seen); beyond that the cache starts anew.
SELECTOR_CACHE_MAX = 10_000
# Iglu URIs remembered (an event carries about ten); beyond that the cache starts anew.
SCHEMA_CACHE_MAX = 10_000
# Timestamps share their second with many others; parsed seconds remembered, five hours of them.
SECOND_CACHE_MAX = 20_000

# --- definitions --------------------------------------------------------------------------------
# A name in a definition .
NAME_CHARS_MAX = 128
# A definition record: the definitions topic keeps Kafka's default message size.
DEFINITION_BYTES_MAX = 900_000

# --- de-duplication ---------------------------------------------------------------
DEDUPLICATION_IDS_MAX = 64
DEDUPLICATION_HORIZON_MS = 3_600_000

# --- frames and profiles ------------------------------------------------------------------------
# A frame is sent when it holds this much; far below the topic's message size so that the last
# contribution of an event always fits.
FRAME_BYTES_TARGET = 128 * 1024
# max.message.bytes of the contributions topic.
FRAME_BYTES_MAX = 4 * 1024 * 1024
# A frame waits no longer than this for more contributions.
FRAME_LINGER_MS = 5
# max.message.bytes of the changelog: one profile record.
PROFILE_BYTES_MAX = 8 * 1024 * 1024
# Of a flush, written into the store at once: a millisecond.
STORE_WRITE_BYTES = 256 * 1024
# Decoded profiles kept per partition: 3 to 9 kB each. Reading one back costs microseconds.
PROFILE_CACHE_MAX = 5_000
# Target partitions remembered by id; murmur2 in Python costs microseconds.
PARTITION_CACHE_MAX = 200_000

# --- streaming ----------------------------------------------------------------------------------
# Records of one partition delivered as one run.
RUN_RECORDS_MAX = 1_000
# Runs delivered and not yet acknowledged, per partition: one being applied, one waiting.
RUNS_IN_FLIGHT_MAX = 2
# Work done between two looks at the event loop: a request needs some rounds of it.
SLICE_S = 0.002
# Source records handled between two looks whether that time is over.
SLICE_RECORDS_MAX = 20
# Parts of joint rules applied between two looks at the event loop.
SLICE_PARTS_MAX = 50
# Interventions fetched at once.
FETCHED_INTERVENTIONS_MAX = 100
# Profiles changed and not yet flushed, per partition; beyond that nothing more is applied to it.
CHANGED_PROFILES_MAX = 50_000
# Contributions and parts applied and not yet flushed, per partition; beyond that nothing more is
# applied.
APPLIED_MAX = 500_000
# Parts made and not yet flushed, per partition, in bytes: one transaction sends them, and a
# producer queues a million messages and 1 GiB at most.
PARTS_BYTES_MAX = 64 * 1024 * 1024
# Bytes written to a store at once while it is restored: other threads wait that long.
RESTORE_BYTES_MAX = 1024 * 1024
# Frames sent and not yet acknowledged; beyond that no more source records are read.
FRAMES_OUTSTANDING_MAX = 256
# Partitions of the contributions topic per worker; each has a producer of its own.
PARTITIONS_PER_WORKER_MAX = 128
# transaction.timeout.ms: how long a hung transaction can delay readers of its partition.
TRANSACTION_TIMEOUT_MS = 10_000
# A larger intervention is told without its lists and maps; 100 lists of ordinary texts are 1 MB.
INTERVENTION_BYTES_MAX = 4 * 1024 * 1024
# A dead letter carries at most this much of the record, before base64.
DEAD_LETTER_VALUE_BYTES_MAX = 600_000
# A dead letter's explanation.
DETAIL_CHARS_MAX = 1_000

# --- requests -----------------------------------------------------------------------------------
REQUEST_BYTES_MAX = 1_000_000
REQUEST_IDS_MAX = 1_000
REQUEST_KEYS_MAX = 100
FORWARD_TIMEOUT_S = 5.0
# A read waits this long for a partition that moves between workers; then the client tries again.
READ_WAIT_S = 5.0
# A body that has not come by then is given up.
REQUEST_WAIT_S = 30.0
# Changes of definitions that wait for the one before them; each takes a tenth of a second.
DEFINITIONS_WAITING_MAX = 32
# A change whose outcome is not known by then is answered so: before the SDK gives up, at 30 s.
DEFINITIONS_CHANGE_S = 20.0
# A change that other workers' changes push aside is tried again for this long.
DEFINITIONS_CONFLICT_S = 10.0
# A change is told when all workers use it, or after this: a worker that hangs holds nobody up.
DEFINITIONS_SPREAD_S = 2.0
# How long an access token is good, as in the product.
ACCESS_TOKEN_S = 24 * 3600
# A longer bearer token is none of ours.
TOKEN_CHARS_MAX = 4_096
# Attributes named in one request; a service of 100 groups is read by its own name.
REQUEST_ATTRIBUTES_MAX = 2_000
# Values in one answer, ids times attributes: 10 MB of JSON.
REQUEST_VALUES_MAX = 500_000
# Values read between two looks at the event loop, so that others get it within 2 ms.
SLICE_VALUES_MAX = 2_000

# A what-if run over HTTP: app_ids and ids that one asks for, as in the product, and ids that it
# answers for where none are asked for.
TEST_APP_IDS_MAX = 10
TEST_IDS_MAX = 50
TEST_SAMPLE_IDS = 10
# Its profiles where no ids are asked for, and what the windows of all may take: it runs in the
# memory of a worker.
TEST_PROFILES_MAX = 2_000
TEST_BYTES_MAX = 128 * 1024 * 1024
# It is given up after this: before the SDK gives up, at 30 s.
TEST_RUN_S = 20.0
# It works this long, then others get the event loop's thread for as long.
TEST_SLICE_S = 0.002

# --- subscriptions to interventions ---------------------------------------------------------------
# Targets (an attribute key and an id) of one subscription or of one push.
TARGETS_MAX = 100
# What waits for one client; beyond either it is cut off. A larger message goes out alone.
SSE_QUEUE_ITEMS_MAX = 1_000
SSE_QUEUE_BYTES_MAX = 256 * 1024
# Sent to one client at once. What its connection has not taken stands in memory beside the queue.
SSE_CHUNK_BYTES_MAX = 32 * 1024
# Records brought into the clients' form, and clients that they are given to, between two looks at
# the event loop; one record for more clients goes to all of them at once, half a microsecond each.
SLICE_HANDED_MAX = 40
# Clients that send between two looks at the event loop, 50 microseconds each.
SLICE_WOKEN_MAX = 20
# Missed interventions brought into a client's form between two looks at the event loop.
SLICE_REPLAYED_MAX = 50
# Heartbeats sent between two looks at the event loop.
SLICE_HEARTBEATS_MAX = 50
# A client waits this long for a worker that reads what came last before it started. Signals' plugin
# for browsers gives up for good where no answer has begun within 2.5 s.
SSE_READY_WAIT_S = 2.0
# A page subscribes while its first event is on the way already, and that may arrive first; who goes
# to the next page has no subscription meanwhile. A page that subscribes without having had an event
# is told what fired this long before.
SSE_PAGE_REPLAY_MS = 2_000
# An unread answer, or one to a client that is gone without a word, is given up after this.
CLIENT_SILENT_MS = 30_000
# The id of an event: a varint of up to ten bytes for each of 1024 partitions, in base64.
EVENT_ID_CHARS_MAX = 14_000
# What a kept intervention costs besides its bytes.
KEPT_RECORD_BYTES = 400
# Records read again when a worker starts, at most, for clients that come back.
KEPT_RECORDS_READ_MAX = 100_000
# How long a subscribe token is good: unless told, and at most.
SUBSCRIBE_TOKEN_S = 300
SUBSCRIBE_TOKEN_S_MAX = 24 * 3600
# Other workers are asked whether somebody listens there, and Kafka to take a push, within these.
LISTENERS_WAIT_S = 1.0
PUSH_DELIVERY_MS = 5_000
# What one push writes, all targets together; its largest body for its largest number would be 100.
PUSH_BYTES_MAX = 16 * 1024 * 1024
# The name of an attribute in a push: `group:attribute`, as Snowplow's own schema bounds it.
PUSH_NAME_CHARS_MAX = 257

# --- collector ------------------------------------------------------------------------------------
# Events in one body; REQUEST_BYTES_MAX bounds them too. Trackers send ten at once, or a hundred.
COLLECTED_EVENTS_MAX = 2_000
# Fields of a query, of a request or of a page's address. The tracker protocol has about 80.
QUERY_FIELDS_MAX = 1_000
# Bytes of a request's query, as much as Snowplow's collector takes by default; and of its headers.
COLLECTOR_QUERY_BYTES_MAX = 32 * 1024
COLLECTOR_HEADER_BYTES_MAX = 64 * 1024
# A tracker waits this long for Kafka to have its events; then it is told to come again.
COLLECTOR_DELIVERY_MS = 10_000
# Bytes that wait for Kafka; beyond that trackers are told to come again.
COLLECTOR_BUFFER_BYTES_MAX = 64 * 1024 * 1024
# Characters of a wrong value that a dead letter's detail quotes.
MISTAKE_CHARS_MAX = 100

# --- aggregates, windows and plans ----------------------------------------------------------------
# Values that a list or a map of counts gives, as in the product.
RESULT_VALUES_MAX = 100
# Distinct values whose frequencies a lifetime keeps: ten times as many as it gives.
FREQUENCY_VALUES_MAX = 1_000
# Distinct values counted exactly before they become a sketch of twice the bytes.
EXACT_DISTINCT_MAX = 256
# A larger lifetime state leaves the profile's head for a record of its own, so that the head of
# 100 such states stays small.
HEAD_STATE_BYTES_MAX = 1_024
# A larger state over many chunks is not kept but made from its parts when it is read.
SUMMARY_BYTES_MAX = 64 * 1024
# Entries of a windowed series that stand in the profile's head before they move to chunks.
WINDOW_INLINE_ENTRIES_MAX = 32
# A longer string moves to a chunk at once, so that the head of 100 windowed series stays small.
WINDOW_INLINE_CHARS_MAX = 512
# Entries of one chunk, a record of its own: of numbers 3 kB, of the longest strings 1 MB.
CHUNK_ENTRIES_MAX = 256
# Of these the ones that come in order; late ones then seldom cut a chunk in two.
CHUNK_FILLED_ENTRIES = 224
# Children of a node of a window's tree, and those at the top, which are written with every head.
NODE_CHILDREN_MAX = 32
TOP_CHILDREN_MAX = 8
# Parts of a profile kept decoded between two flushes: of a large window the ones at its edges.
PARTS_LOADED_MAX = 24
# Profiles with chunks that each partition keeps decoded for the next read: up to 1 MB each.
READ_PROFILES_MAX = 64
# States over the chunks of windows that a decoded profile remembers, and the largest of them.
STATES_REMEMBERED_MAX = 128
REMEMBERED_BYTES_MAX = 256 * 1024
# Entries stay longer than the longest period of their series, so that a clock behind the event
# times still sees the window as it was: for another such period, within these bounds in ms. The
# upper one holds for series that a rule tells without reading them: it sees them at the time of
# an event that is as much later.
WINDOW_SLACK_MIN_MS = 60_000
WINDOW_SLACK_MAX_MS = 3_600_000
# All workers have read the definitions this long after the first one has, in ms: what is new there
# counts all events from then on.
DEFINITIONS_SPREAD_MS = 5_000
# Instances of a joint rule that one target remembers, and the bytes of those that are large: a
# profile can be the target of dozens of such rules.
JOINT_INSTANCES_MAX = 64
JOINT_BYTES_MAX = 256 * 1024
# An instance in which nothing moved for this long by event time is dropped by the sweep.
JOINT_INSTANCE_MS = 3_600_000
# A larger part is sent without its lists and maps, so that a target can keep several.
PART_BYTES_MAX = 1024 * 1024
# Combinations of series in one contribution whose rules are remembered.
TOUCH_CACHE_MAX = 10_000

# --- commands -------------------------------------------------------------------------------------
# Workers that `processor up` starts on one machine.
LOCAL_WORKERS_MAX = 16
# Interventions and visitors that the demo shows at once; they fit a terminal of 30 lines.
DEMO_INTERVENTIONS_MAX = 8
DEMO_VISITORS_MAX = 6
# Profiles that a what-if run keeps in memory, up to 10 kB each; events of further ids are left out.
WHAT_IF_PROFILES_MAX = 100_000
# Interventions of a what-if run that are kept; further ones are only counted.
WHAT_IF_FIRED_MAX = 10_000
# Records of one partition that wait for older ones of the others, when a topic is read by time.
HISTORY_RECORDS_MAX = 1_000
