"""Faust and Kafka: the transport, the two agents, the profile table, definitions, dead letters."""
