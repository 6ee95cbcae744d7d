"""Streaming attributes and interventions for Snowplow events on Kafka."""

__version__ = "0.1.0"
