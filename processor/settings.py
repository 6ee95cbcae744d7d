"""All settings in one frozen table: flags, then variables PROCESSOR_*, then lines of a .env."""

import re
from ipaddress import ip_address, ip_network
from pathlib import Path
from socket import gethostname
from typing import Any, TypedDict
from urllib.parse import urlparse

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from processor.environment import ENV_FILE, PREFIX, settings_of_file

# What Kafka does not accept in the name of a member, and how long the name may be.
_NO_NAME = re.compile(r"[^A-Za-z0-9._-]")
_NAME_CHARS_MAX = 249
# What Kafka takes as the name of a topic.
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
# What no host has: a scheme, a path, a comment behind it.
_NO_HOST = re.compile(r"[\s/#]")


class Counting(TypedDict):
    """Which events count, and how duplicates are found: the settings that `compile_plan` takes."""

    app_ids: tuple[str, ...]
    uuid_keys: tuple[str, ...]
    nobody_ids: tuple[str, ...]
    deduplication_ids: int
    deduplication_horizon_ms: int


class Settings(BaseSettings):
    """What an operator can set. Field descriptions are the help texts; the README lists them."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    def __init__(self, _env_file: Path | None = ENV_FILE, **given: Any) -> None:
        found = settings_of_file(_env_file) if _env_file else {}
        super().__init__(**{**found, **given})

    bootstrap_servers: str = Field("127.0.0.1:9092", description="Kafka, host:port[,host:port]")
    app_id: str = Field(
        "processor",
        pattern=r"^[A-Za-z0-9._-]{1,100}$",
        description="the consumer group, and the prefix of internal topics",
    )
    enriched_topic: str = Field("enriched", description="topic of Snowplow enriched events")
    definitions_topic: str = Field("definitions", description="topic of the definitions")
    interventions_topic: str = Field("interventions", description="topic of fired interventions")
    dead_letter_topic: str = Field(
        "dead-letters", description="topic of records that cannot be processed"
    )
    data_dir: Path = Field(Path("./data"), description="directory of all local state of a worker")
    http: str = Field("127.0.0.1:8080", description="host:port of the HTTP API")
    source_http: str = Field(
        "",
        description="host:port of the source process, for other workers and the profile process; "
        "empty = a free port of the host of http",
    )
    advertised_url: str = Field("", description="URL of this worker for the others; from http")
    api_tokens: str = Field(
        "", repr=False, description="comma-separated name:scopes:sha256; empty = open"
    )
    token_secret: str = Field(
        "",
        repr=False,
        description="signs all tokens that workers issue, 32 bytes or more, the same on all",
    )
    allow_open_api: bool = Field(
        False, description="an API without tokens may be reachable from other machines"
    )
    own_hosts: str = Field(
        "",
        description="additional names of this worker, comma-separated; without tokens it answers "
        "to no others",
    )
    token: str = Field(
        "", repr=False, description="bearer token that commands send to the API of a worker"
    )
    worker_hosts: str = Field(
        "", description="allowed hosts of other workers, comma-separated; empty = any"
    )
    subscribe_tokens: bool = Field(
        False, description="subscriptions need a subscribe token, or an API token with scope read"
    )
    cors_origins: str = Field(
        "*", description="origins of pages that may subscribe, comma-separated; * = all"
    )
    cors_credentials: bool = Field(
        False, description="these pages may send cookies; cors_origins must name them"
    )
    sse_heartbeat_s: float = Field(5.0, gt=0, le=60, description="time between heartbeats")
    sse_replay_s: int = Field(
        300,
        ge=0,
        le=86_400,
        description="how far back a reconnecting subscriber gets what it missed",
    )
    sse_replay_bytes: int = Field(
        67_108_864,
        ge=0,
        description="maximum memory for the interventions kept for this; at most an eighth of the "
        "worker's memory",
    )
    sse_clients: int = Field(10_000, ge=1, description="subscribers of one worker")
    sse_clients_per_address: int = Field(
        1_000, ge=0, description="subscribers of one worker from one address; 0 = any number"
    )
    connections_per_address: int = Field(
        2_000, ge=0, description="connections from one address; 0 = any number"
    )
    trusted_proxies: str = Field(
        "",
        description="addresses or networks whose X-Forwarded-For counts, comma-separated",
    )
    app_ids: str = Field(
        "", description="process only events of these app_ids, comma-separated; empty = all"
    )
    collector: bool = Field(False, description="also accept events from trackers at the HTTP API")
    uuid_keys: str = Field(
        "", description="attribute keys whose ids must be UUIDs, comma-separated; empty = none"
    )
    nobody_ids: str = Field(
        "",
        description="ids that belong to nobody, besides the nil UUID: null,undefined; exact match",
    )
    tls_cert: Path | None = Field(None, description="certificate file of the HTTP API")
    tls_key: Path | None = Field(None, description="key file of the HTTP API")
    commit_interval_ms: int = Field(100, ge=1, le=5000, description="time between flushes")
    commit_interval_max_ms: int = Field(
        500, ge=1, le=5000, description="time between flushes while contributions wait for longer"
    )
    partitions: int = Field(
        8, ge=1, le=1024, description="partitions of the topics that are created"
    )
    replication_factor: int = Field(1, ge=1, description="replication factor of created topics")
    instance_id: str = Field("", description="static member name; default: from advertised_url")
    session_timeout_ms: int = Field(
        10_000,
        ge=6000,
        le=300_000,
        description="a worker that is silent for this long loses its partitions",
    )
    memory_bytes: int = Field(
        0,
        ge=0,
        description="memory of a worker for profiles, changes, resent events and missed "
        "interventions; 0 = a quarter of the machine's or container's",
    )
    deduplication_horizon_ms: int = Field(
        86_400_000,
        ge=0,
        le=315_619_200_000,  # ten years, as in definitions
        description="how long a resent event is recognised, by arrival; 0 = not at all",
    )
    deduplication_bytes: int = Field(
        1_073_741_824,
        ge=0,
        description="maximum memory for the events remembered for this; at most half of the "
        "worker's memory",
    )
    deduplication_ids: int = Field(
        64,
        ge=0,
        le=4096,
        description="obsolete; has no effect, except that 0 = resent events are not recognised",
    )
    backlog_bytes_max: int = Field(
        1_073_741_824,
        ge=1,
        description="the source is not read further while about so many bytes of contributions "
        "wait to be applied",
    )
    backlog_seconds_max: float = Field(
        60.0, gt=0, description="the same while contributions have been waiting for so long"
    )
    on_missing_records: str = Field(
        "stop",
        pattern="^(stop|earliest|latest)$",
        description="where a source partition continues if its next records are gone: nowhere, at "
        "the first existing record, or after the last one",
    )
    sweep_interval_s: float = Field(600.0, gt=0, description="time between sweeps of expired state")
    log_level: str = Field("info", pattern="^(debug|info|warning|error)$", description="log level")
    log_json: bool = Field(False, description="write log lines as JSON")
    kafka_security_protocol: str = Field(
        "PLAINTEXT",
        pattern="^(PLAINTEXT|SSL|SASL_PLAINTEXT|SASL_SSL)$",
        description="Kafka security",
    )
    kafka_sasl_mechanism: str = Field("", description="PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512")
    kafka_sasl_username: str = Field("", description="Kafka user")
    kafka_sasl_password: str = Field("", repr=False, description="Kafka password")
    kafka_ssl_cafile: str = Field("", description="CA file that verifies Kafka's certificates")
    kafka_ssl_certfile: str = Field("", description="client certificate for Kafka")
    kafka_ssl_keyfile: str = Field("", description="client key for Kafka")

    @field_validator("data_dir", mode="before")
    @classmethod
    def _data_dir_is_a_name_in_utf_8(cls, value: Any) -> Any:
        if not str(value):
            message = "name a directory; it becomes readable by its owner only"
            raise ValueError(message)
        try:
            str(value).encode()
        except UnicodeEncodeError:
            message = "the name is not UTF-8, which Kafka and the store need"
            raise ValueError(message) from None
        return value

    @field_validator("bootstrap_servers")
    @classmethod
    def _servers_are_hosts_and_ports(cls, value: str) -> str:
        servers = listed(value)
        if not servers or any(_NO_HOST.search(one) for one in servers):
            message = "name Kafka as host:port[,host:port], with nothing else on the line"
            raise ValueError(message)
        return value

    @field_validator(
        "enriched_topic", "definitions_topic", "interventions_topic", "dead_letter_topic"
    )
    @classmethod
    def _topics_have_names(cls, value: str) -> str:
        if not _TOPIC.fullmatch(value):
            message = "the name of a topic has 1 to 249 of A-Z a-z 0-9 . _ -"
            raise ValueError(message)
        return value

    @field_validator("http", "source_http")
    @classmethod
    def _http_is_host_and_port(cls, value: str, known: ValidationInfo) -> str:
        if not value and known.field_name == "source_http":
            return value
        host, _, port = value.rpartition(":")
        if not host or _NO_HOST.search(host) or not port.isdigit() or int(port) > 65535:  # noqa: PLR2004 - the largest port
            message = f"{value!r} is not HOST:PORT"
            raise ValueError(message)
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _proxies_are_networks(cls, value: str) -> str:
        for one in listed(value):
            try:
                ip_network(one, strict=False)
            except ValueError:
                message = f"{one!r} is not an address or network such as 10.0.0.7 or 10.0.0.0/8"
                raise ValueError(message) from None
        return value

    @field_validator("cors_credentials")
    @classmethod
    def _cookies_come_from_named_origins(cls, value: bool, known: ValidationInfo) -> bool:
        if value and "*" in listed(known.data.get("cors_origins", "")):
            message = "PROCESSOR_CORS_ORIGINS must name the origins of these pages; * is not enough"
            raise ValueError(message)
        return value

    @field_validator("tls_key")
    @classmethod
    def _key_has_its_certificate(cls, value: Path | None, known: ValidationInfo) -> Path | None:
        if value is not None and known.data.get("tls_cert") is None:
            message = "a key needs its certificate: set PROCESSOR_TLS_CERT"
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
        """URL at which other workers reach this one, without a trailing slash."""
        scheme = "https" if self.tls_cert else "http"
        return (self.advertised_url or f"{scheme}://{self.http}").rstrip("/")

    def listening_at(self, address: str, name: str) -> "Settings":
        """Return the settings of a process of this worker that listens on HOST:PORT.

        Other workers reach it at the host that this worker advertises; `name` is its static name
        in a group.
        """
        url = self.advertised_url
        if url:
            told = urlparse(url)
            host = f"[{told.hostname}]" if ":" in (told.hostname or "") else told.hostname
            scheme = "https" if self.tls_cert else "http"
            url = f"{scheme}://{host}:{address.rpartition(':')[2]}"
        own = {"http": address, "advertised_url": url, "instance_id": name}
        return self.model_copy(update=own)

    @property
    def member_name(self) -> str:
        """Static name in the consumer group: one per worker, the same after a restart.

        The machine's own name replaces a host that refers to the local machine.
        """
        if self.instance_id:
            return self.instance_id
        url = urlparse(self.own_url)
        name = url.netloc
        if _is_of_any_machine(url.hostname or ""):
            name = f"{gethostname()}:{url.port}"
        return _NO_NAME.sub("-", name)[-_NAME_CHARS_MAX:]

    def counting(self, app_ids: tuple[str, ...] = ()) -> Counting:
        """Return how events count; `app_ids`, if any, replace those of the settings."""
        return {
            "app_ids": app_ids or listed(self.app_ids),
            "uuid_keys": listed(self.uuid_keys),
            "nobody_ids": listed(self.nobody_ids),
            "deduplication_ids": self.deduplication_ids,
            "deduplication_horizon_ms": self.recognised_ms,
        }

    @property
    def recognised_ms(self) -> int:
        """How long a resent event is recognised, by arrival; 0: not at all."""
        return self.deduplication_horizon_ms if self.deduplication_ids else 0

    def internal_topic(self, title: str) -> str:
        """Return the name of an internal topic of this application."""
        return f"{self.app_id}-{title}"

    @property
    def contributions_topic(self) -> str:
        """Internal topic of frames, partitioned by attribute key and id."""
        return self.internal_topic("contributions")

    @property
    def rules_topic(self) -> str:
        """Internal topic of parts of joint rules, partitioned like the contributions topic."""
        return self.internal_topic("rules")

    @property
    def changelog_topic(self) -> str:
        """Internal compacted topic from which profile state is rebuilt."""
        return self.internal_topic("profiles-changelog")

    @property
    def kafka_client(self) -> dict[str, Any]:
        """Librdkafka properties that all our clients share."""
        config: dict[str, Any] = {
            "bootstrap.servers": self.bootstrap_servers,
            "security.protocol": self.kafka_security_protocol,
            # Its own log lines bypass our log and repeat as long as a broker is away. Calls raise
            # the errors that matter.
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


def _is_of_any_machine(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return address.is_loopback or address.is_unspecified


def listed(value: str) -> tuple[str, ...]:
    """Return the parts of a comma-separated setting."""
    return tuple(part.strip() for part in value.split(",") if part.strip())
