"""Job (d): one attribute and a rule over clicks on links; 96 of 100 events match nothing."""

from datetime import timedelta

from definitions import (
    Attribute,
    Event,
    InterventionCriterion,
    RuleIntervention,
    StreamAttributeGroup,
    domain_userid,
)

OWNER = "bench@example.com"
click = Event(vendor="com.snowplowanalytics.snowplow", name="link_click")

group = StreamAttributeGroup(
    name="clicks",
    version=1,
    attribute_key=domain_userid,
    owner=OWNER,
    attributes=[
        Attribute(
            name="clicks_7d",
            type="int32",
            aggregation="counter",
            events=[click],
            period=timedelta(days=7),
        )
    ],
)

three_clicks = RuleIntervention(
    name="three_clicks",
    version=1,
    owner=OWNER,
    criteria=InterventionCriterion(attribute="clicks:clicks_7d", operator=">=", value=3),
)
