"""All scenarios, in the order of the chapters of definitions/README.md."""

from tests.scenarios import (
    aggregations,
    bad_values,
    criteria,
    events,
    interventions,
    life_cycle,
    properties,
    targets,
    windows,
)

SCENARIOS = [
    scenario
    for chapter in (
        events,
        properties,
        criteria,
        aggregations,
        windows,
        interventions,
        targets,
        life_cycle,
        bad_values,
    )
    for scenario in chapter.SCENARIOS
]
