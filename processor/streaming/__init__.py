"""Faust and Kafka: a record goes from `fetch` through the two stages to `profiles` and beyond.

processor/README.md lists the rooms in the order of a record.
"""
