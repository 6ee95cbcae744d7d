"""The client, as definitions see it when their attributes are read."""

from typing import Any, Protocol


class AttributeReader(Protocol):
    """Reads the attributes of one id: our `Signals`, or the one of the official SDK."""

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
