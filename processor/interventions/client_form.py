"""An intervention as its subscribers receive it: one line of JSON in which all values are text.

Numbers, booleans, lists and maps are written as their JSON, and strings unchanged. An attribute
without a value is left out. All clients can read this form. The line is ASCII, because some clients
end a line at any character that Unicode defines as a line break.
"""

import json
from typing import Any, NamedTuple


class InterventionRecord(NamedTuple):
    """One committed record of the topic; `target_id` is its key, `value` the message's JSON."""

    partition: int
    offset: int
    timestamp_ms: int
    target_id: bytes
    value: bytes


class ClientForm(NamedTuple):
    """The target of an intervention, and the line of JSON."""

    target_key: str
    target_id: str
    line: bytes

    @property
    def target(self) -> tuple[str, str]:
        """The attribute key and the id of the target."""
        return self.target_key, self.target_id


def client_form(message: bytes) -> ClientForm:
    """Return the form of a message of the interventions topic.

    Raises:
        ValueError: it is not a message of the topic.
    """
    try:
        data = json.loads(message)["data"]
        target = data["target_attribute_key"]
        key, id_ = _string(target["name"]), _string(target["id"])
        told = {
            "intervention_id": _string(data["intervention_id"]),
            "name": _string(data["name"]),
            "version": _integer(data["version"]),
            "attributes": {
                name: _text(value)
                for name, value in data["attributes"].items()
                if value is not None
            },
            "target_attribute_key": {"name": key, "id": id_},
        }
        return ClientForm(key, id_, _json(told).encode())
    except (LookupError, TypeError, AttributeError, ValueError, RecursionError) as error:
        message_text = f"not an intervention: {error!r}"
        raise ValueError(message_text) from error


def spelled(line: bytes, target_id: str) -> bytes:
    """Return a line of this form with its target's id in another spelling."""
    told = json.loads(line)
    told["target_attribute_key"]["id"] = target_id
    return _json(told).encode()


# Anyone may have written to the topic: values are used as keys and sent to clients only after their
# types are checked.
def _string(value: Any) -> str:  # a JSON value
    if isinstance(value, str) and value:
        return value
    message = f"{type(value).__name__} where a text is needed"
    raise TypeError(message)


def _integer(value: Any) -> int:  # a JSON value
    if type(value) is int:
        return value
    message = f"{type(value).__name__} where an integer is needed"
    raise TypeError(message)


def _text(value: Any) -> str:  # a JSON value
    return value if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:  # a JSON value
    return json.dumps(value, separators=(",", ":"), allow_nan=False)
