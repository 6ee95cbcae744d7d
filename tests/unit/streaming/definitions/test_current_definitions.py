"""The reader of the topic has everything that the stages know of definitions."""

import inspect
from concurrent.futures import ThreadPoolExecutor

from processor.settings import Settings
from processor.streaming.definitions.current_definitions import Definitions
from processor.streaming.definitions.definitions_topic import DefinitionsReader
from tests.unit.streaming.fakes import FakeDefinitions


def current() -> Definitions:
    """What mypy has to accept."""
    return DefinitionsReader(Settings(_env_file=None), ThreadPoolExecutor(1))


async def test_the_reader_of_the_topic_is_what_the_stages_see() -> None:
    for made in (current(), FakeDefinitions()):
        assert not made.plan.series
        assert isinstance(made.ready.is_set(), bool)
        for name in ("reach", "require"):
            wanted = inspect.signature(getattr(Definitions, name)).parameters
            found = inspect.signature(getattr(type(made), name)).parameters
            assert list(found) == list(wanted)
