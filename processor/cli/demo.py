"""`processor demo`: a live shop, from its visitors to the interventions that they cause."""

import tempfile
from contextlib import ExitStack, closing
from importlib.resources import as_file, files
from pathlib import Path
from threading import Event, Thread
from typing import Annotated

import typer
from rich.console import Console

from processor.cli.api_client import ApiClient
from processor.cli.definitions_files import publish_file
from processor.cli.demo_view import Demo, LinesView, ScreenView, View
from processor.cli.interventions import read_message
from processor.cli.kafka import TopicReader
from processor.cli.local_worker import LocalWorker
from processor.cli.setting_options import default_settings
from processor.cli.signals import ended_by_signals, undisturbed
from processor.cli.traffic import EnrichedTopic, paced
from processor.clock import monotonic_s, wall_ms
from processor.errors import ProcessorError
from processor.free_port import free_port
from processor.local import LocalBroker
from processor.local.shop import GeneratedEvent, Shop
from processor.settings import Settings

# The events of the minute before the demo are written at once, so that there is something to see.
_BURST_MS = 60_000
_RATE = 50.0
_USERS = 200
_SEED = 7
_LATE = 0.02
_DUPLICATES = 0.02
# Between two looks at attributes.
_LOOK_S = 0.5
_POLL_S = 0.1
_KEY = "domain_userid"
_SERVICE = "ecom_attributes"
_HOST = "127.0.0.1"
_STOP_S = 5.0


def demo(
    *,
    seconds: Annotated[
        float, typer.Option(min=0, help="end after this many seconds; 0: at Ctrl-C")
    ] = 0,
) -> None:
    """Show attributes and interventions of a shop with live visitors, on a real Kafka.

    Everything is created in a temporary directory, which is deleted at the end. The exit status
    is 0 if at least one intervention was read from the topic.
    """
    console = Console()
    told = Console(stderr=True)
    with ExitStack() as running:
        found = Demo()
        try:
            running.enter_context(ended_by_signals())
            directory = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="demo-")))
            worker = _start(directory, running, told)
            found.url, found.servers = worker.url, worker.settings.bootstrap_servers
            view: View = ScreenView(console) if console.is_terminal else LinesView(console)
            _run(found, worker, view, seconds)
        except KeyboardInterrupt:
            told.print("ending")
    console.print(found.summary(), highlight=False)
    if not found.fired:
        message = "no intervention was read from the topic"
        raise ProcessorError(message, hint="let it run longer: --seconds 60")


def _start(directory: Path, running: ExitStack, told: Console) -> LocalWorker:
    """Start Kafka and a worker and publish the definitions; they end with `running`."""
    told.print("starting Kafka")
    broker = LocalBroker(directory / "kafka", console=told)
    running.callback(_undisturbed_stop, broker)
    servers = broker.start().bootstrap_servers
    told.print(f"Kafka runs at {servers}; starting a worker", highlight=False)
    settings = default_settings(
        bootstrap_servers=servers,
        app_id="demo",
        data_dir=directory / "worker",
        http=f"{_HOST}:{free_port(_HOST)}",
    )
    worker = LocalWorker(settings, directory)
    running.callback(_undisturbed_stop, worker)
    worker.wait_until_ready()
    told.print(f"the worker serves at {worker.url}; publishing definitions", highlight=False)
    with as_file(files("definitions.examples") / "ecommerce.py") as example:
        for key in publish_file(example, settings).changed:
            told.print(f"published {key}", highlight=False)
    return worker


def _undisturbed_stop(what: LocalBroker | LocalWorker) -> None:
    with undisturbed():
        what.stop()


def _run(found: Demo, worker: LocalWorker, view: View, seconds: float) -> None:
    """Show what happens until the time is up, Ctrl-C is pressed, or something breaks."""
    settings = worker.settings
    stop = Event()
    failures: list[Exception] = []
    reader = TopicReader(settings, settings.interventions_topic, from_beginning=True, follow=True)
    traffic = Thread(target=_send, args=(settings, found, stop, failures), name="traffic")
    begun = monotonic_s()
    traffic.start()
    try:
        with closing(reader), closing(ApiClient(settings)) as client, view:
            while not failures and (not seconds or monotonic_s() - begun < seconds):
                worker.check()
                _look(found, reader, client)
                found.seconds = monotonic_s() - begun
                view.show(found)
                found.new.clear()
    finally:
        stop.set()
        traffic.join(_STOP_S)
    if failures:
        raise failures[0]


def _look(found: Demo, reader: TopicReader, client: ApiClient) -> None:
    """Read new interventions, and the attributes of the most recent visitors."""
    until = monotonic_s() + _LOOK_S
    while monotonic_s() < until:
        for record in reader.poll(_POLL_S):
            message = read_message(record.value)
            if message is not None:
                found.note(message)
    found.choose_visitors()
    if found.visitors:
        profiles = client.profiles(_KEY, list(found.visitors), service=_SERVICE).profiles
        found.take(profiles)


def _send(settings: Settings, found: Demo, stop: Event, failures: list[Exception]) -> None:
    """Write the shop's events until `stop`: the last minute's at once, later ones as they occur."""
    shop = Shop(
        _SEED,
        _USERS,
        start_ms=wall_ms() - _BURST_MS,
        rate=_RATE,
        late_rate=_LATE,
        duplicate_rate=_DUPLICATES,
    )
    events = iter(shop)
    try:
        with closing(EnrichedTopic(settings)) as topic:
            for _ in range(int(_BURST_MS / 1000 * _RATE)):
                _send_one(next(events), topic, found)
            for event in paced(events, _RATE):
                if stop.is_set():
                    break
                _send_one(event, topic, found)
    except Exception as error:
        failures.append(error)


def _send_one(event: GeneratedEvent, topic: EnrichedTopic, found: Demo) -> None:
    topic(event)
    found.sent.count(event)
    if event.domain_userid and not event.late:
        found.seen.append(event.domain_userid)
