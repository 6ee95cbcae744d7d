"""Kafka below the stages: topics, records read without a group, records sent.

Only this package makes clients of librdkafka. The member of the consumer group is the transport
(processor/streaming/fetch/transport.py), on aiokafka; `RecordSource` fetches its records.

Invariants:
- A read to the end ends at the offset that the broker returned when the read began (reader.py).
- A message counts as sent when all in-sync replicas have it. A message that was not accepted is
  reported as an error, never skipped (sender.py, transaction.py).
- No module here decodes the bytes of a record.
"""
