"""Queries of requests and of addresses: their fields as valid text."""

from urllib.parse import parse_qsl

from processor.events.surrogates import readable_text
from processor.limits import QUERY_FIELDS_MAX


def query_fields(query: str, *, keep_blank: bool = False) -> dict[str, str]:
    """Return the fields of a query; if a name occurs several times, the last one.

    Halves of characters and bytes that are not UTF-8 become U+FFFD. Fields without a value are left
    out unless `keep_blank` is set.

    Raises:
        ValueError: there are too many fields.
    """
    fields = parse_qsl(
        query,
        keep_blank_values=keep_blank,
        errors="surrogateescape",
        max_num_fields=QUERY_FIELDS_MAX,
    )
    return {_readable(name): _readable(text) for name, text in fields}


def _readable(text: str) -> str:
    if text.isascii():
        return text
    return readable_text(text.encode(errors="surrogateescape")).decode()
