"""`processor worker`: one worker against an existing Kafka."""

from typing import Annotated

import typer

from processor import app
from processor.cli.local_worker import free_port
from processor.cli.parent import end_with_parent
from processor.cli.setting_options import ALL_SETTINGS, with_settings
from processor.settings import Settings


@with_settings(*ALL_SETTINGS)
def worker(
    *,
    parent: Annotated[
        int, typer.Option(hidden=True, help="process that this one must not outlive")
    ] = 0,
    settings: Settings,
) -> None:
    """Run one worker against an existing Kafka until a signal ends it.

    Prints `ready URL` to stdout when it serves. Workers with the same --app-id share the work;
    give each its own --data-dir and --http.
    """
    if parent:
        end_with_parent(parent)
    if not settings.http_port:
        # Other workers reach this one at its port, which must be known before it listens.
        host = settings.http_host
        settings = settings.model_copy(update={"http": f"{host}:{free_port(host)}"})
    app.main(settings, on_ready=lambda url: print(f"ready {url}", flush=True))
