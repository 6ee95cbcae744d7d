"""How the stages see the definitions: the current plan, and how far the topic is read.

`plan` is replaced as a whole, in the event loop's thread. A caller that needs the same plan
throughout reads it once. It never goes back to definitions of a lower offset.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from processor.engine import Plan


class Definitions(Protocol):
    """The definitions in force. `ready` is set once their topic has been read to its end."""

    ready: asyncio.Event

    @property
    def plan(self) -> Plan:
        """The definitions in force, compiled."""
        ...

    async def reach(self, offset: int) -> bool:
        """Wait for a moment until the topic is read up to `offset`; return whether it is."""
        ...

    async def require(self, offset: int, wanted: Callable[[], bool]) -> None:
        """Wait until the topic is read up to `offset`, or until that is no longer wanted.

        Raises:
            MissingDefinitionsError: the topic is not read that far in time.
        """
        ...
