"""From Kafka to a run: membership of the group, gates, and records of one partition at a time."""
