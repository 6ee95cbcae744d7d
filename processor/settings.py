"""All settings in one frozen table: environment PROCESSOR_*, an optional .env, flags win."""

from pathlib import Path
from typing import Any, TypedDict
from urllib.parse import urlparse

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Counting(TypedDict):
    """Which events count, and once: what `compile_plan` takes of the settings."""

    app_ids: tuple[str, ...]
    uuid_keys: tuple[str, ...]
    deduplication_ids: int
    deduplication_horizon_ms: int


class Settings(BaseSettings):
    """What an operator can set. Field descriptions are the documentation; README lists them."""

    model_config = SettingsConfigDict(
        env_prefix="PROCESSOR_", env_file=".env", extra="ignore", frozen=True
    )

    bootstrap_servers: str = Field("127.0.0.1:9092", description="Kafka, host:port[,host:port]")
    app_id: str = Field(
        "processor",
        pattern=r"^[A-Za-z0-9._-]{1,100}$",
        description="the consumer group, and the prefix of internal topics",
    )
    enriched_topic: str = Field("enriched", description="topic of Snowplow enriched TSV")
    definitions_topic: str = Field("definitions", description="topic of the definitions")
    interventions_topic: str = Field("interventions", description="topic of fired interventions")
    dead_letter_topic: str = Field("dead-letters", description="topic of what cannot be processed")
    data_dir: Path = Field(Path("./data"), description="all local state of a worker")
    http: str = Field("127.0.0.1:8080", description="host:port of the HTTP API")
    advertised_url: str = Field("", description="how other workers reach this one; from http")
    api_tokens: str = Field(
        "", repr=False, description="comma-separated name:scopes:sha256; empty = open"
    )
    token_secret: str = Field(
        "", repr=False, description="signs access tokens, with the hashes of api_tokens"
    )
    subscribe_tokens: bool = Field(
        False, description="subscriptions need a subscribe token, or an API token that may read"
    )
    cors_origins: str = Field(
        "*", description="origins of pages that may subscribe, comma-separated; * = all"
    )
    sse_heartbeat_s: float = Field(5.0, gt=0, le=60, description="time between heartbeats")
    sse_replay_s: int = Field(
        300, ge=0, le=86_400, description="how far back a subscriber that comes back is told"
    )
    sse_replay_bytes: int = Field(
        67_108_864, ge=0, description="memory for interventions that are kept for this"
    )
    sse_clients: int = Field(10_000, ge=1, description="subscribers of one worker")
    sse_clients_per_address: int = Field(
        1_000, ge=0, description="subscribers of one worker from one address; 0 = any"
    )
    app_ids: str = Field(
        "", description="only events of these app_ids, comma-separated; empty = all"
    )
    collector: bool = Field(False, description="take events from trackers at the HTTP API, too")
    uuid_keys: str = Field(
        "", description="attribute keys whose ids must be UUIDs, comma-separated; empty = none"
    )
    tls_cert: Path | None = Field(None, description="certificate file of the HTTP API")
    tls_key: Path | None = Field(None, description="key file of the HTTP API")
    commit_interval_ms: int = Field(100, ge=1, le=5000, description="time between flushes")
    partitions: int = Field(8, ge=1, le=1024, description="partitions of topics that we create")
    replication_factor: int = Field(1, ge=1, description="replication of topics that we create")
    instance_id: str = Field("", description="static member name; from advertised_url")
    session_timeout_ms: int = Field(
        10_000,
        ge=6000,
        le=300_000,
        description="a worker silent for this long loses its partitions",
    )
    deduplication_ids: int = Field(
        64, ge=0, le=4096, description="event ids remembered per profile"
    )
    deduplication_horizon_ms: int = Field(
        3_600_000, ge=0, description="how long an event id is remembered, by event time"
    )
    sweep_interval_s: float = Field(600.0, gt=0, description="time between sweeps of expired state")
    log_level: str = Field("info", pattern="^(debug|info|warning|error)$", description="log level")
    log_json: bool = Field(False, description="log lines as JSON")
    kafka_security_protocol: str = Field(
        "PLAINTEXT",
        pattern="^(PLAINTEXT|SSL|SASL_PLAINTEXT|SASL_SSL)$",
        description="Kafka security",
    )
    kafka_sasl_mechanism: str = Field("", description="PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512")
    kafka_sasl_username: str = Field("", description="Kafka user")
    kafka_sasl_password: str = Field("", repr=False, description="Kafka password")
    kafka_ssl_cafile: str = Field("", description="file of the authority that signed Kafka")
    kafka_ssl_certfile: str = Field("", description="client certificate for Kafka")
    kafka_ssl_keyfile: str = Field("", description="client key for Kafka")

    @field_validator("http")
    @classmethod
    def _http_is_host_and_port(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not host or not port.isdigit() or int(port) > 65535:  # noqa: PLR2004 - the largest port
            message = f"{value!r} is not HOST:PORT"
            raise ValueError(message)
        return value

    @field_validator("tls_key")
    @classmethod
    def _key_has_its_certificate(cls, value: Path | None, known: ValidationInfo) -> Path | None:
        if value is not None and known.data.get("tls_cert") is None:
            message = "it needs its certificate, PROCESSOR_TLS_CERT"
            raise ValueError(message)
        return value

    @property
    def http_host(self) -> str:
        """Host that the API listens on."""
        return self.http.rpartition(":")[0]

    @property
    def http_port(self) -> int:
        """Port that the API listens on; 0 takes a free one."""
        return int(self.http.rpartition(":")[2])

    @property
    def own_url(self) -> str:
        """URL under which other workers reach this one, without a trailing slash."""
        scheme = "https" if self.tls_cert else "http"
        return (self.advertised_url or f"{scheme}://{self.http}").rstrip("/")

    @property
    def member_name(self) -> str:
        """Static name in the consumer group: one per worker, the same after a restart."""
        return self.instance_id or urlparse(self.own_url).netloc.replace(":", "-")

    def counting(self, app_ids: tuple[str, ...] = ()) -> Counting:
        """Return how events count; `app_ids` in place of those of the settings, if any."""
        return {
            "app_ids": app_ids or _parts(self.app_ids),
            "uuid_keys": _parts(self.uuid_keys),
            "deduplication_ids": self.deduplication_ids,
            "deduplication_horizon_ms": self.deduplication_horizon_ms,
        }

    @property
    def contributions_topic(self) -> str:
        """Internal topic of frames, partitioned by attribute key and id."""
        return f"{self.app_id}-contributions"

    @property
    def rules_topic(self) -> str:
        """Internal topic of parts of joint rules, partitioned as the contributions topic is."""
        return f"{self.app_id}-rules"

    @property
    def changelog_topic(self) -> str:
        """Internal compacted topic from which profile state is rebuilt."""
        return f"{self.app_id}-profiles-changelog"

    @property
    def kafka_client(self) -> dict[str, Any]:
        """Librdkafka properties that every client of ours shares."""
        config: dict[str, Any] = {
            "bootstrap.servers": self.bootstrap_servers,
            "security.protocol": self.kafka_security_protocol,
            # Its own lines go past our log and repeat for as long as a broker is away; what
            # matters comes as an error of a call.
            "log_level": 2,
        }
        named = {
            "sasl.mechanism": self.kafka_sasl_mechanism,
            "sasl.username": self.kafka_sasl_username,
            "sasl.password": self.kafka_sasl_password,
            "ssl.ca.location": self.kafka_ssl_cafile,
            "ssl.certificate.location": self.kafka_ssl_certfile,
            "ssl.key.location": self.kafka_ssl_keyfile,
        }
        config.update({name: value for name, value in named.items() if value})
        return config


def _parts(listed: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in listed.split(",") if part.strip())
