"""The API's description as one page: /docs. The page loads nothing, not even from here."""

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any, Final

Json = Mapping[str, Any]  # JSON values

_STYLE: Final = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem;
  color: #222; background: #fff; }
h2 { border-bottom: 1px solid #ccc; margin-top: 2.5rem; }
details { margin: .3rem 0; } details > div { margin: .5rem 0 1.2rem 1.2rem; }
summary { cursor: pointer; } code, pre { font: 13px/1.4 ui-monospace, monospace; }
pre { background: #f4f4f4; overflow: auto; padding: .7rem; }
.method { display: inline-block; font-weight: bold; width: 4.5rem; }
td, th { padding: .1rem 1.2rem .1rem 0; text-align: left; vertical-align: top; }
@media (prefers-color-scheme: dark) {
  body { color: #ddd; background: #181818; } pre { background: #222; } a { color: #8bf; }
}
"""
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
# The page loads nothing and runs nothing, and no other page can show it in a frame.
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_REFERENCE: Final = "#/components/schemas/"


def docs_page(document: Json) -> str:
    """Return the page of an OpenAPI document."""
    info = document["info"]
    title = escape(f"{info['title']} {info['version']}")
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        "<meta name=viewport content='width=device-width'>",
        f"<title>{title}</title><style>{_STYLE}</style><h1>{title}</h1>",
        "<p>Every call of this worker. For programs: <a href=openapi.json>openapi.json</a>.</p>",
    ]
    calls = [
        (method, path, call)
        for path, methods in document["paths"].items()
        for method, call in methods.items()
    ]
    for tag in dict.fromkeys(_tag(call) for _, _, call in calls):
        parts.append(f"<h2>{escape(tag)}</h2>")
        parts += [_call(*one) for one in calls if _tag(one[2]) == tag]
    parts.append("<h2>schemas</h2>")
    parts += _schemas(document["components"]["schemas"])
    return "\n".join(parts) + "\n"


def _tag(call: Json) -> str:
    return str((call.get("tags") or ["other"])[0])


def _call(method: str, path: str, call: Json) -> str:
    head = f"<span class=method>{escape(method.upper())}</span><code>{escape(path)}</code>"
    inside = [f"<p>{escape(call['description'])}</p>"] if call.get("description") else []
    inside += _table("parameters", map(_parameter, call.get("parameters", ())))
    body = call.get("requestBody")
    inside += _table("body", _contents(body) if body else ())
    inside += _table("answers", map(_answer, call["responses"].items()))
    if call.get("security"):
        inside.append("<p>Takes a bearer token: <code>Authorization: Bearer TOKEN</code>.</p>")
    summary = escape(call.get("summary", ""))
    return f"<details><summary>{head} {summary}</summary><div>{''.join(inside)}</div></details>"


def _parameter(parameter: Json) -> tuple[str, ...]:
    needed = "needed" if parameter.get("required") else ""
    name = f"<code>{escape(parameter['name'])}</code>"
    told = escape(parameter.get("description", ""))
    return name, escape(parameter["in"]), needed, _schema(parameter.get("schema", {})), told


def _answer(answer: tuple[str, Json]) -> tuple[str, ...]:
    status, told = answer
    kinds = "<br>".join(" ".join(one) for one in _contents(told))
    return f"<code>{escape(status)}</code>", escape(told.get("description", "")), kinds


def _contents(told: Json) -> list[tuple[str, ...]]:
    contents = told.get("content", {})
    return [(escape(kind), _schema(one.get("schema", {}))) for kind, one in contents.items()]


def _table(title: str, rows: Iterable[tuple[str, ...]]) -> list[str]:
    told = ["".join(f"<td>{cell}</td>" for cell in row) for row in rows]
    if not told:
        return []
    return [
        f"<table><caption><b>{title}</b></caption>",
        *(f"<tr>{row}" for row in told),
        "</table>",
    ]


def _schema(schema: Json) -> str:
    """Return a schema in a few words: its name if it has one, else its type."""
    if "$ref" in schema:
        name = escape(str(schema["$ref"]).removeprefix(_REFERENCE))
        return f"<a href='#{name}'>{name}</a>"
    if schema.get("type") == "array":
        return f"list of {_schema(schema.get('items', {}))}"
    kinds = schema.get("anyOf") or schema.get("oneOf")
    if kinds:
        return " or ".join(map(_schema, kinds))
    return escape(str(schema.get("type", "")))


def _schemas(schemas: Json) -> Iterator[str]:
    for name, schema in schemas.items():
        shown, text = escape(name), escape(json.dumps(schema, indent=2, ensure_ascii=False))
        yield (
            f"<details id='{shown}'><summary><code>{shown}</code></summary>"
            f"<div><pre>{text}</pre></div></details>"
        )
