"""Every bound in one place, with its unit and the reason for the number.

These must hold (tests/tidy checks them): the largest contribution fits a frame, the largest profile
record fits a changelog record, the largest dead letter fits its topic.
"""

# --- what one event may hold -------------------------------------------------------------------
# Enrich's own default maximum record size; Kafka's default message size is the same.
EVENT_BYTES_MAX = 1_000_000
# Maximum unpacked size of a packed record with many events: 64 times Kafka's default record size;
# compression makes lines of events eight to twenty times smaller. Most records need no more than
# the second number.
UNPACKED_BYTES_MAX = 64 * 1024 * 1024
UNPACKED_BYTES_USUAL = 256 * 1024
# A packed record of at most this size that unpacks to no more than the number above is unpacked in
# the event loop: a thread, which has to take turns with the loop, would take many times as long.
PACKED_BYTES_USUAL = 64 * 1024
# Events in a packed record: this many of the smallest useful events, of 700 bytes, have that size.
UNPACKED_EVENTS_MAX = 100_000
# A record timestamp before 2010 counts as missing: Kafka is younger.
RECORD_TIME_MIN_MS = 1_262_304_000_000
# Characters of event_id, which is part of every contribution and firing; Enrich's are UUIDs.
EVENT_ID_CHARS_MAX = 1_000
# Characters of vendor, name and version of an event's schema, and of the Iglu URI of an entity:
# Enrich's limit.
SCHEMA_PART_CHARS_MAX = 1_000
# Ids are at most this many characters; longer ones contribute nothing.
IDENTIFIER_CHARS_MAX = 256
# A text with more characters contributes nothing: Enrich's limit of the longest columns. A text of
# emoji has four times as many bytes; 100 of these must still fit a profile record.
VALUE_CHARS_MAX = 4_096
# Bytes of the texts of one event, over all attributes: they fit a frame together with everything
# else. 180 attributes can all have the longest text of emoji.
CONTRIBUTED_TEXT_BYTES_MAX = 3 * 1024 * 1024
# Integers beyond 64 bits have no wire format; they contribute nothing.
INTEGER_MAX = 2**63 - 1
# A column with deeper JSON than this is malformed. Snowplow schemas stay below 10. The decoder
# shares Python's stack of 1000 frames, and its limit must not depend on the caller.
JSON_DEPTH_MAX = 500
# Entities read in one event; Snowplow events have fewer than 20.
ENTITIES_MAX = 10_000
# Cached selector lookups (vendor, name, version); beyond that the cache starts anew.
SELECTOR_CACHE_MAX = 10_000
# Cached Iglu URIs (an event has about ten); beyond that the cache starts anew.
SCHEMA_CACHE_MAX = 10_000
# Cached parsed seconds, five hours of them: many timestamps share their second.
SECOND_CACHE_MAX = 20_000

# --- definitions --------------------------------------------------------------------------------
# Characters of a name in a definition.
NAME_CHARS_MAX = 128
# A definition record: the definitions topic keeps Kafka's default message size.
DEFINITION_BYTES_MAX = 900_000

# --- de-duplication ---------------------------------------------------------------
# How long a resent event is recognised, by the arrival of its record: trackers keep events that
# they could not send, and may send them the next day.
DEDUPLICATION_HORIZON_MS = 24 * 3_600_000
# Memory of a worker for it: a day of 630 contributions a second, at up to 19.5 bytes each.
DEDUPLICATION_BYTES = 1024 * 1024 * 1024
# Event ids in a profile's head, and how long they count, by event time: written by workers of
# format level 1.
HEAD_IDS_MAX = 64
HEAD_IDS_HORIZON_MS = 3_600_000
# Parts into which the horizon is divided to compare arrivals.
DEDUPLICATION_GRANULES = 128
# Hashes in one record of the changelog: 128 kB, a fraction of a millisecond to create and write.
COUNTED_RECORD_HASHES_MAX = 16_384
# Minimum number of hashes added to a table at once while it is loaded: more take more memory; fewer
# take more time, because each addition scans the whole table.
COUNTED_LOADED_HASHES = 262_144
# Records of counted events that one flush removes at most: many times as many as it adds.
COUNTED_REMOVED_MAX = 64

# --- frames and profiles ------------------------------------------------------------------------
# A frame is sent when it reaches this size, which is far below the topic's message size, so that
# the last contribution of an event always fits.
FRAME_BYTES_TARGET = 128 * 1024
# max.message.bytes of the contributions topic.
FRAME_BYTES_MAX = 4 * 1024 * 1024
# A frame waits no longer than this for more contributions.
FRAME_LINGER_MS = 5
# max.message.bytes of the changelog: one profile record.
PROFILE_BYTES_MAX = 8 * 1024 * 1024
# The windows of a larger head are moved to chunks, the largest first, because each flush that
# changes the profile writes the head. Few profiles reach a hundredth of this.
HEAD_BYTES_TARGET = 1024 * 1024
# A head that is still larger is cut into records of this size.
HEAD_PIECE_BYTES = PROFILE_BYTES_MAX // 2
# Bytes of a flush written to the store at once: a millisecond.
STORE_WRITE_BYTES = 256 * 1024
# What the headers and the framing of a record can add to its value in a message.
MESSAGE_OVERHEAD_BYTES = 64 * 1024
# Decoded profiles kept per partition, in addition to changed ones: 3 to 9 kB each if windows are
# short; the worker's memory bounds them, too. Reading one again takes microseconds.
PROFILE_CACHE_MAX = 5_000
# Cached target partitions by id; murmur2 in Python takes microseconds.
PARTITION_CACHE_MAX = 200_000

# --- streaming ----------------------------------------------------------------------------------
# Records of one partition delivered as one run.
RUN_RECORDS_MAX = 1_000
# Runs delivered and not yet acknowledged, per partition: one being applied, one waiting.
RUNS_IN_FLIGHT_MAX = 2
# Records fetched and held for a partition whose runs are all in flight; with more, the partition is
# not fetched while others are.
HELD_BYTES_MAX = 4 * 1024 * 1024
# Records of the source, and of frames or parts, that are taken from what was fetched at once: more
# do not stay in the processor's cache. Frames of the usual size have 4 MiB then.
SOURCE_RECORDS_AT_ONCE = 1_000
FRAMES_AT_ONCE = 32
# Consumers that fetch ahead, one of the source and one of frames and parts, and the bytes that all
# of them may hold: a fifth of a second of work each.
PREFETCHES = 2
PREFETCH_BYTES_MAX = 16 * 1024 * 1024
# Duration of work between two yields to the event loop: a request needs several rounds of it.
SLICE_S = 0.002
# Events of packed records of one run whose contributions wait until the run is read. With more, the
# contributions are written at the end of a record.
RUN_EVENTS_MAX = 5_000
# Source records handled between two checks whether that time is over.
SLICE_RECORDS_MAX = 20
# Records that native code reads before the time of a slice is checked: half a millisecond.
NATIVE_SLICE_RECORDS_MAX = 200
# Parts of joint rules applied between two yields to the event loop.
SLICE_PARTS_MAX = 50
# Interventions fetched at once.
FETCHED_INTERVENTIONS_MAX = 100
# Profiles changed and not yet flushed, per partition; beyond that it applies nothing more.
CHANGED_PROFILES_MAX = 50_000
# Contributions and parts applied and not yet flushed, per partition; beyond that nothing more is
# applied.
APPLIED_MAX = 500_000
# Bytes of parts and interventions created and not yet flushed, per partition: one transaction sends
# them, and a producer queues at most a million messages and 1 GiB.
OUTGOING_BYTES_MAX = 64 * 1024 * 1024
# Bytes written to a store at once during a restore: other threads wait that long.
RESTORE_BYTES_MAX = 256 * 1024
# Simultaneous restores: each has large buffers. A restore of fewer offsets than the second number
# does not wait for a place: a partition that returns after a restart has fewer.
RESTORES_MAX = 4
SHORT_RESTORE_OFFSETS = 10_000
# Bytes fetched from a changelog at once, and bytes that wait to be written, for each restore.
RESTORE_FETCH_BYTES = 8 * 1024 * 1024
RESTORE_QUEUE_BYTES = 32 * 1024 * 1024
# A write waits at most this long, without Python's lock, until the store does not stall it.
STORE_STALL_S = 10.0
# CPU time of a flush, which hardly depends on its size; the share of a core that the flushes of all
# partitions may take; and the longest time between two flushes of one partition.
FLUSH_CPU_S = 0.004
FLUSH_SHARE = 0.15
FLUSH_INTERVAL_S_MAX = 5.0
# The same if a flush has something to send: interventions must not be delayed much.
FLUSH_SENDS_SHARE = 0.5
FLUSH_SENDS_INTERVAL_S_MAX = 0.5
# Frames sent and not yet acknowledged; beyond that no more source records are read.
FRAMES_OUTSTANDING_MAX = 256
# After a fault of its store or of Kafka, a partition is tried again after the first number of
# seconds, then after twice as long each time, up to the second.
FAULT_RETRY_MIN_S = 1.0
FAULT_RETRY_MAX_S = 60.0
# After an exception of ours, this many contributions and parts of the partition are applied so that
# each can be undone, which takes several times as long; each further exception starts the count
# anew.
CAREFUL_MAX = 10_000
# Seconds between two checks of a partition that a fault has closed: how many records wait there,
# and whether an operator has acted.
CLOSED_LOOK_S = 5.0
# A partition that waits for missing definitions reports it after this many seconds: the sender has
# read these definitions, so normally all others have them within a moment.
DEFINITIONS_WAIT_S = 8.0
# Partitions of the contributions topic per worker; each has its own producer.
PARTITIONS_PER_WORKER_MAX = 128
# transaction.timeout.ms: how long a hung transaction can delay readers of its partition.
TRANSACTION_TIMEOUT_MS = 10_000
# A larger intervention is written without its lists and maps, then without its long texts; 100
# lists of ordinary texts have 1 MB.
INTERVENTION_BYTES_MAX = 4 * 1024 * 1024
# A dead letter contains at most this much of the record, before base64.
DEAD_LETTER_VALUE_BYTES_MAX = 600_000
# Records, and their bytes, that a replay of dead letters writes in one transaction: readers wait
# for its end.
REPLAYED_AT_ONCE_MAX = 500
REPLAYED_BYTES_AT_ONCE_MAX = 8 * 1024 * 1024
# Characters of a dead letter's explanation.
DETAIL_CHARS_MAX = 1_000

# --- memory -------------------------------------------------------------------------------------
# The share of the machine's or container's memory that a worker takes for state by default; the
# rest is for the store, Kafka's clients, Python, and other programs.
MEMORY_SHARE = 0.25
# With less, a worker would read profiles again and again.
MEMORY_BYTES_MIN = 64 * 1024 * 1024
# The maximum shares of that memory for counted events, and for interventions kept for subscribers.
# Both have their own settings, too.
MEMORY_DUPLICATES_SHARE = 0.5
MEMORY_REPLAY_SHARE = 0.125
# The maximum share of that memory for records that are fetched ahead.
MEMORY_PREFETCH_SHARE = 0.125
# The maximum share of the rest for changes before they are flushed: decoded profiles need memory,
# too.
MEMORY_CHANGES_SHARE = 0.5
# Memory is released in excess of what is needed by this much, so that it is not released for each
# event; and at most this much from one partition before the next partition is chosen.
MEMORY_FREED_BYTES = 256 * 1024
# Memory in a decoded profile for a byte of an applied frame: a time has 5 bytes there, 48 here.
FRAME_MEMORY_FACTOR = 4

# --- collector ------------------------------------------------------------------------------------
# Events in one body; REQUEST_BYTES_MAX bounds them, too. Trackers send ten at once, or a hundred.
COLLECTED_EVENTS_MAX = 2_000
# JSON values in one body, four times as many as 2,000 ordinary events have in a megabyte; and in
# one self-describing document of an event.
COLLECTED_VALUES_MAX = 150_000
DOCUMENT_VALUES_MAX = 50_000
# Strings, brackets and commas read in a body that is not JSON: as many as the most events have.
COLLECTED_TOKENS_MAX = 200_000
# Larger bodies are converted in a thread: a megabyte takes a tenth of a second or more.
COLLECTED_ASIDE_BYTES = 50_000
# Fields of a query, of a request or of a page's address. The tracker protocol has about 80.
QUERY_FIELDS_MAX = 1_000
# Bytes of a request's query, the default limit of Snowplow's collector; and of its headers.
COLLECTOR_QUERY_BYTES_MAX = 32 * 1024
COLLECTOR_HEADER_BYTES_MAX = 64 * 1024
# A request waits this long for Kafka to accept its events; then the tracker must try again.
COLLECTOR_DELIVERY_MS = 10_000
# Bytes that wait for Kafka; beyond that trackers must try again.
COLLECTOR_BUFFER_BYTES_MAX = 64 * 1024 * 1024
# Characters of an invalid value that a dead letter's detail quotes.
MISTAKE_CHARS_MAX = 100

# --- aggregates, windows and plans ----------------------------------------------------------------
# Values in the result of a list or a map of counts, as in the product.
RESULT_VALUES_MAX = 100
# Distinct values whose frequencies a lifetime attribute keeps: ten times as many as its result.
FREQUENCY_VALUES_MAX = 1_000
# Among these, texts longer than LONG_TEXT_CHARS: all of them fit a profile record.
FREQUENCY_LONG_TEXTS_MAX = 200
# A text with more characters counts as long for limits on long texts. Nine of ten page addresses
# are shorter.
LONG_TEXT_CHARS = 1_024
# Distinct values counted exactly before they become a sketch with twice the bytes.
EXACT_DISTINCT_MAX = 256
# A larger lifetime state moves from the profile's head to a separate record, so that a head with
# 100 such states stays small.
HEAD_STATE_BYTES_MAX = 1_024
# A larger state over many chunks is not kept, but computed from its parts when it is read.
SUMMARY_BYTES_MAX = 64 * 1024
# Entries of a windowed series in the profile's head before they move to chunks.
WINDOW_INLINE_ENTRIES_MAX = 32
# A longer string moves to a chunk at once, so that a head with 100 windowed series stays small.
WINDOW_INLINE_CHARS_MAX = 512
# Entries of one chunk, a separate record: 3 kB with numbers, 1 MB with the longest strings, 4 MB
# with the longest strings of emoji.
CHUNK_ENTRIES_MAX = 256
# Entries of a chunk that arrive in order; the room for late ones makes splits rare.
CHUNK_FILLED_ENTRIES = 224
# Children of a node of a window's tree, and of its top, which is written with every head.
NODE_CHILDREN_MAX = 32
TOP_CHILDREN_MAX = 8
# Parts of a profile kept decoded between two flushes: for a large window those at its edges.
PARTS_LOADED_MAX = 24
# Profiles with chunks that each partition keeps decoded for the next read: up to 1 MB each.
READ_PROFILES_MAX = 64
# Cached states over the chunks of windows in a decoded profile, and the size of the largest.
STATES_REMEMBERED_MAX = 128
REMEMBERED_BYTES_MAX = 256 * 1024
# With at least this many distinct values in a state over chunks, ranks are kept instead.
RANKED_VALUES_MIN = 128
# Rankings that a decoded profile keeps for one window and period: this many rules, or requesting
# workers, can read at different times. They move back by at most this many ms, the jitter of
# readers.
RANKINGS_OF_PERIOD_MAX = 4
RANKINGS_BACK_MS = 1_000
# Above this memory, the least recently read ranks of a profile make room for new ones: a million
# distinct values.
RANKINGS_BYTES_MAX = 512 * 1024 * 1024
# Entries stay longer than the longest period of their series, so that a clock behind the event
# times still sees the window as it was: for another such period, within these bounds in ms. The
# upper one holds for series that a rule tells without reading them: it sees them at the time of
# an event that is as much later.
WINDOW_SLACK_MIN_MS = 60_000
WINDOW_SLACK_MAX_MS = 3_600_000
# Clocks that differ by less than this, and producers that send a record later than that, in ms, do
# not make a watermark wrong.
WATERMARK_MARGIN_MS = 60_000
# Seconds between two checks of the arrivals of all source partitions; also the minimum by which the
# arrival of a source partition must have advanced to be committed without new records.
WATERMARK_INTERVAL_S = 10.0
# Seconds between two checks of the topics. Two must agree on a change: within half a minute.
TOPICS_LOOK_S = 10.0
# Seconds between two looks at the members of both groups.
OTHERS_LOOK_S = 5.0
# Seconds between two looks at what the profile stage has yet to apply; and after this many seconds
# without a step, a partition counts as stuck.
BACKLOG_LOOK_S = 1.0
BACKLOG_STUCK_S = 30.0
# Local files of a partition that another worker owns are removed if unused for this many seconds: a
# takeover could not use them any longer (DELETE_RETENTION_MS). The same applies to damaged files.
UNUSED_STORE_S = 86_400
# State is kept this much longer than it can be read, in ms by arrival: an event that is late by no
# more finds the same state as in time.
SWEEP_LATE_MS = 3_600_000
# Profiles that a sweep handles together: fewer need more memory for what is known about them.
SWEEP_RUN_PROFILES = 32
# All workers have read new definitions this many ms after the first worker has: from then on, new
# attributes count all events.
DEFINITIONS_SPREAD_MS = 5_000
# Instances of a joint rule that one target remembers, and the bytes of those that are large: a
# profile can be the target of dozens of such rules.
JOINT_INSTANCES_MAX = 64
JOINT_BYTES_MAX = 256 * 1024
# An instance for which nothing arrived for this many ms starts anew.
JOINT_INSTANCE_MS = 3_600_000
# A larger part is sent without its lists and maps, so that a target can keep several.
PART_BYTES_MAX = 1024 * 1024
# Combinations of series in one contribution whose rules are cached.
TOUCH_CACHE_MAX = 10_000

# --- commands -------------------------------------------------------------------------------------
# Workers that `processor up` starts on one machine.
LOCAL_WORKERS_MAX = 16
# Processes of each stage of one worker.
WORKER_PAIRS_MAX = 64
# Memory that a pair of processes should have, of the machine or container.
WORKER_PAIR_BYTES = 1_073_741_824
# Interventions and visitors that the demo shows at once; they fit a terminal of 30 lines.
DEMO_INTERVENTIONS_MAX = 8
DEMO_VISITORS_MAX = 6
# Profiles that a what-if run keeps in memory, up to 10 kB each; events of other ids are left out.
WHAT_IF_PROFILES_MAX = 100_000
# Interventions that a what-if run keeps; further ones are only counted.
WHAT_IF_FIRED_MAX = 10_000
# Records of one partition that wait for older records of the others if a topic is read by time.
HISTORY_RECORDS_MAX = 1_000
