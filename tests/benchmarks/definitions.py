"""What one change of a large catalog does to the event loop: `... .definitions [groups ...]`.

As many rules as groups, of three attributes each, are in force; one of them is published anew.
Prints how long until it is in force, and the longest that the event loop kept a timer waiting
meanwhile. Other work of the machine counts in.
"""

import asyncio
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from processor.settings import Settings
from processor.streaming.definitions.catalog_log import DefinitionRecord
from processor.streaming.definitions.definitions_topic import DefinitionsReader

OWNER = "shop@example.com"
TICK_S = 0.001


def group(number: int, text: str) -> tuple[str, dict[str, Any]]:
    total = {"type": "atomic", "name": "tr_total"}
    path = {"type": "atomic", "name": "page_urlpath"}
    criteria = {"all": [{"property": path, "operator": "like", "value": f"/p/{number}/%"}]}
    attributes: list[dict[str, Any]] = [
        {"name": "v", "type": "int32", "aggregation": "counter"},
        {"name": "w", "type": "int32", "aggregation": "counter", "period": "PT1H"},
        {"name": "s", "type": "double", "aggregation": "sum", "property": total,
         "criteria": criteria},
    ]  # fmt: skip
    value = {
        "name": f"g{number}", "version": 1, "attribute_key": {"name": "domain_userid"},
        "owner": OWNER, "is_published": True, "description": text,
        "attributes": [{**one, "events": []} for one in attributes],
    }  # fmt: skip
    return f"attribute_group/g{number}/1", value


def rule(number: int) -> tuple[str, dict[str, Any]]:
    criteria = {"attribute": f"g{number}:v", "operator": ">=", "value": 3}
    value = {
        "name": f"r{number}", "version": 1, "owner": OWNER, "is_published": True,
        "criteria": criteria,
    }  # fmt: skip
    return f"intervention/r{number}/1", value


async def measure(groups: int) -> None:
    reader = DefinitionsReader(Settings(), ThreadPoolExecutor(1))
    objects = [made for number in range(groups) for made in (group(number, ""), rule(number))]
    records = [
        DefinitionRecord(offset, key, json.dumps(value).encode())
        for offset, (key, value) in enumerate(objects)
    ]
    await reader._take(records)
    key, value = group(0, "another text")
    change = DefinitionRecord(len(records), key, json.dumps(value).encode())
    begun = time.monotonic()
    taking = asyncio.create_task(reader._take([change]))
    late = []
    while not taking.done():
        asked = time.monotonic()
        await asyncio.sleep(TICK_S)
        late.append(time.monotonic() - asked - TICK_S)
    print(
        f"{2 * groups:6} objects: one change is in force after {time.monotonic() - begun:5.2f} s; "
        f"timers were late by {max(late) * 1000:.0f} ms at most, "
        f"{sorted(late)[len(late) // 2] * 1000:.0f} in the middle",
        flush=True,
    )


if __name__ == "__main__":
    for size in [int(one) for one in sys.argv[1:]] or [10, 100, 1_000]:
        asyncio.run(measure(size))
