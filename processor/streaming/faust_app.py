"""The Faust application of a stage: its settings, its credentials, and the topics that it reads.

Faust starts and stops what belongs to the group, and joins it. Everything else that it can do is
off: it has no streams, no tables, no web server, no leader topic, and declares no topics.
"""

from typing import Any

import faust

from processor.settings import Settings
from processor.stages import Stage
from processor.streaming.fetch.assignor import PartitionAssignor
from processor.streaming.fetch.kafka_tls import ssl_context

_HEARTBEAT_S = 1.0


class App(faust.App):
    """A Faust application without directories: it has no tables."""

    def _create_directories(self) -> None:
        """Create nothing."""


def build_faust(settings: Settings, stage: Stage) -> App:
    """Return the Faust application of a stage's process, a member of the stage's group."""
    servers = ";".join(f"processor://{one}" for one in settings.bootstrap_servers.split(","))
    session_s = settings.session_timeout_ms / 1000
    app = App(
        stage.group(settings),
        broker=servers,
        broker_credentials=_credentials(settings),
        autodiscover=False,
        origin="processor",
        datadir=str(settings.data_dir / "faust"),
        store="memory://",
        canonical_url=settings.own_url,
        PartitionAssignor=PartitionAssignor,
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        stream_wait_empty=False,
        stream_recovery_delay=0.0,
        broker_session_timeout=session_s,
        broker_rebalance_timeout=session_s,
        broker_heartbeat_interval=_HEARTBEAT_S,
        broker_request_timeout=max(60.0, session_s),
        consumer_group_instance_id=stage.member_name(settings),
        consumer_auto_offset_reset="none",
    )
    for topic in stage.topics(settings):
        app.topics.add(app.topic(topic))
    return app


def _credentials(settings: Settings) -> Any:
    protocol = settings.kafka_security_protocol
    if protocol == "PLAINTEXT":
        return None
    context = ssl_context(settings) if protocol.endswith("SSL") else None
    if protocol == "SSL":
        return faust.SSLCredentials(context)
    return faust.SASLCredentials(
        username=settings.kafka_sasl_username,
        password=settings.kafka_sasl_password,
        mechanism=settings.kafka_sasl_mechanism or "PLAIN",
        ssl_context=context,
    )
