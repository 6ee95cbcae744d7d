"""A real Apache Kafka broker on this machine, from Python packages alone."""

from processor.local.broker import LocalBroker

__all__ = ["LocalBroker"]
