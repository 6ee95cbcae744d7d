"""An intervention as its subscribers get it: one line of JSON in which all values are text.

Numbers, booleans, lists and maps are told as their JSON, strings as they are, and an attribute
without a value is left out: the one form that all clients read. The line is ASCII, because some
clients end a line at any character that Unicode calls a line break.
"""

import json
from typing import Any, NamedTuple


class ClientForm(NamedTuple):
    """For whom an intervention is, and the line of JSON."""

    target_key: str
    target_id: str
    line: bytes


def client_form(message: bytes) -> ClientForm:
    """Return the form of a message of the interventions topic.

    Raises:
        ValueError: it is not such a message.
    """
    try:
        data = json.loads(message)["data"]
        target = data["target_attribute_key"]
        key, id_ = target["name"], target["id"]
        told = {
            "intervention_id": data["intervention_id"],
            "name": data["name"],
            "version": data["version"],
            "attributes": {
                name: _text(value)
                for name, value in data["attributes"].items()
                if value is not None
            },
            "target_attribute_key": {"name": key, "id": id_},
        }
        return ClientForm(key, id_, _json(told).encode())
    except (LookupError, TypeError, AttributeError, RecursionError) as error:
        message_text = f"not an intervention: {error!r}"
        raise ValueError(message_text) from error


def _text(value: Any) -> str:  # a JSON value
    return value if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:  # a JSON value
    return json.dumps(value, separators=(",", ":"), allow_nan=False)
