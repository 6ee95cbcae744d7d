"""Job (a): four attributes of a visitor over seven days, and a rule at five page views."""

from datetime import timedelta

from definitions import (
    AtomicProperty,
    Attribute,
    InterventionCriterion,
    PageView,
    RuleIntervention,
    StreamAttributeGroup,
    domain_userid,
)
from definitions.examples.ecommerce import (
    OWNER,
    ecommerce_action,
    product_price,
    product_viewed,
)

WEEK = timedelta(days=7)

group = StreamAttributeGroup(
    name="week",
    version=1,
    attribute_key=domain_userid,
    owner=OWNER,
    attributes=[
        Attribute(
            name="page_views", type="int32", aggregation="counter", events=[PageView()], period=WEEK
        ),
        Attribute(
            name="product_views",
            type="int32",
            aggregation="counter",
            events=[ecommerce_action],
            criteria=product_viewed,
            period=WEEK,
        ),
        Attribute(
            name="prices",
            type="double",
            aggregation="sum",
            events=[ecommerce_action],
            criteria=product_viewed,
            property=product_price,
            period=WEEK,
        ),
        Attribute(
            name="last_url",
            type="string",
            aggregation="last",
            events=[PageView()],
            property=AtomicProperty(name="page_url"),
            period=WEEK,
        ),
    ],
)

five_views = RuleIntervention(
    name="five_views",
    version=1,
    owner=OWNER,
    criteria=InterventionCriterion(attribute="week:page_views", operator=">=", value=5),
)
