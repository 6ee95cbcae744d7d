"""What reads attributes, to the definitions whose attributes are read: the client."""

from typing import Any, Protocol


class AttributeReader(Protocol):
    """Reads the attributes of one id: `Signals`, ours or that of the official SDK."""

    def get_service_attributes(
        self, name: str, attribute_key: str, identifier: str
    ) -> dict[str, Any]:  # values of any type
        """Attributes of a service by their names."""
        ...

    def get_group_attributes(
        self,
        name: str,
        version: int,
        attributes: list[str] | str,
        attribute_key: str,
        identifier: str,
    ) -> dict[str, Any]:  # values of any type
        """Attributes of a group by their names."""
        ...
