"""The transport has everything that the stages know of a consumer."""

import inspect

from processor.streaming.fetch.gated_consumer import GatedConsumer
from processor.streaming.fetch.transport import Consumer

MADE_AT_THE_START = set(GatedConsumer.__annotations__) | {"gates"}
METHODS = [name for name, one in vars(GatedConsumer).items() if inspect.isfunction(one)]


def test_the_transport_has_every_method_with_the_same_parameters() -> None:
    for name in METHODS:
        if not name.startswith("_"):
            wanted = inspect.signature(getattr(GatedConsumer, name)).parameters
            assert list(inspect.signature(getattr(Consumer, name)).parameters) == list(wanted), name


def test_the_transport_has_every_property() -> None:
    properties = [name for name, one in vars(GatedConsumer).items() if isinstance(one, property)]
    for name in set(properties) - MADE_AT_THE_START:
        assert isinstance(inspect.getattr_static(Consumer, name), property), name


def test_the_transport_makes_the_rest_when_it_starts() -> None:
    made = inspect.getsource(Consumer.__init__)
    for name in MADE_AT_THE_START:
        assert f"self.{name}:" in made or f"self.{name} =" in made, name
