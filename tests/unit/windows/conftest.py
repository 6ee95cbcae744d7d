"""A window whose records go through bytes and a dictionary, as a store keeps them."""

from contextlib import ExitStack, contextmanager
from unittest.mock import patch

import msgspec
import pytest

from processor.aggregates import AGGREGATES
from processor.windows import (
    Chunk,
    Node,
    Parts,
    Window,
    delete_parts,
    drop_until,
    empty_window,
    insert,
    state_between,
)

SERIES = 7


class Stored:
    """`entries` are those that the window was given, in order of time, then arrival."""

    def __init__(self, *names, values=None):
        self.store = {}
        self.reads = 0
        self.writes = 0
        self.aggregates = [AGGREGATES[name] for name in names or sorted(AGGREGATES)]
        self.window = empty_window(SERIES)
        self.parts = Parts(self)

    def read(self, suffix):
        self.reads += 1
        kind, plain = self.store[suffix]
        if kind is Chunk:
            return Chunk.from_plain(*msgspec.msgpack.decode(plain))
        return msgspec.msgpack.decode(plain, type=Node)

    def insert(self, time_ms, value):
        insert(self.window, self.parts, (time_ms, value), self.aggregates)

    def fill(self, count, value=lambda number: number):
        for number in range(count):
            self.insert(number, value(number))

    def drop(self, limit_ms):
        return drop_until(self.window, self.parts, limit_ms)

    def delete(self):
        delete_parts(self.window, self.parts)

    def save(self):
        """Write what changed, and forget what is decoded."""
        for suffix, part in self.parts.take_changes():
            if part is None:
                self.store.pop(suffix, None)
            else:
                self.writes += 1
                plain = part.to_plain() if isinstance(part, Chunk) else part
                self.store[suffix] = (type(part), msgspec.msgpack.encode(plain))
        self.window = msgspec.msgpack.decode(msgspec.msgpack.encode(self.window), type=Window)
        self.parts = Parts(self)

    def result(self, name, after_ms, until_ms):
        family = AGGREGATES[name]
        state = state_between(self.window, self.parts, family, after_ms, until_ms)
        return None if state is None else family.result_float(state)

    def chunks(self):
        """The summaries of all chunks, from left to right."""
        return self._below(self.window.children, self.window.level)

    def _below(self, children, level):
        if level == 0:
            return list(children)
        nodes = [self.parts.get(self.window.suffix(child.number)) for child in children]
        return [chunk for node in nodes for chunk in self._below(node.children, level - 1)]

    def numbers(self):
        """The numbers of all chunks and nodes."""
        found, level, children = [], self.window.level, list(self.window.children)
        while children:
            found += [child.number for child in children]
            nodes = [self.parts.get(self.window.suffix(one.number)) for one in children if level]
            children, level = [child for node in nodes for child in node.children], level - 1
        return found


@contextmanager
def low_limits():
    """Trees of many levels with few entries."""
    limits = {
        "processor.windows.tree.CHUNK_ENTRIES_MAX": 8,
        "processor.windows.tree.CHUNK_FILLED_ENTRIES": 6,
        "processor.windows.tree.NODE_CHILDREN_MAX": 4,
        "processor.windows.tree.TOP_CHILDREN_MAX": 3,
        "processor.windows.update.WINDOW_INLINE_ENTRIES_MAX": 4,
    }
    with ExitStack() as stack:
        for name, value in limits.items():
            stack.enter_context(patch(name, value))
        yield


@pytest.fixture
def stored():
    return Stored


@pytest.fixture
def few():
    return low_limits
