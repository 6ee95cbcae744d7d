"""The mark of a value that exists but cannot be used."""

from enum import Enum
from typing import Literal


class Rejected(Enum):
    """One member, so that a type checker can distinguish it from every value."""

    REJECTED = "rejected"

    def __repr__(self) -> str:
        return "REJECTED"


REJECTED: Literal[Rejected.REJECTED] = Rejected.REJECTED
