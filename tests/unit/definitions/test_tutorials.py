"""The definitions of the two public tutorials, written as they are there, are right."""

from datetime import timedelta

from definitions import (
    Attribute,
    Criteria,
    Criterion,
    EntityProperty,
    Event,
    EventProperty,
    InterventionCriteriaAny,
    InterventionCriterion,
    LinkAttributeKey,
    RuleIntervention,
    Service,
    StreamAttributeGroup,
    domain_userid,
    user_id,
)
from definitions.catalog import Catalog

OWNER = "you@example.com"
ECOMMERCE = "com.snowplowanalytics.snowplow.ecommerce"


def ecommerce_action(kind: str) -> Criteria:
    return Criteria(
        all=[
            Criterion.eq(
                property=EventProperty(
                    vendor=ECOMMERCE,
                    name="snowplow_ecommerce_action",
                    major_version=1,
                    path="type",
                ),
                value=kind,
            )
        ]
    )


def test_the_ecommerce_tutorial_passes():
    count_product_views = Attribute(
        name="count_product_views",
        type="int32",
        events=[Event(name="snowplow_ecommerce_action")],
        criteria=ecommerce_action("product_view"),
        aggregation="counter",
    )
    count_add_to_cart = Attribute(
        name="count_add_to_cart",
        type="int32",
        events=[Event(name="snowplow_ecommerce_action")],
        criteria=ecommerce_action("add_to_cart"),
        aggregation="counter",
    )
    total_cart_value = Attribute(
        name="total_cart_value",
        type="double",
        events=[Event(name="snowplow_ecommerce_action")],
        criteria=ecommerce_action("add_to_cart"),
        property=EntityProperty(vendor=ECOMMERCE, name="product", major_version=1, path="price"),
        aggregation="sum",
    )
    attribute_group = StreamAttributeGroup(
        name="ecom_attributes",
        version=1,
        attribute_key=domain_userid,
        attributes=[count_product_views, count_add_to_cart, total_cart_value],
        owner="user@company.com",
    )
    stream_service = Service(
        name="ecom_attributes", attribute_groups=[attribute_group], owner="user@company.com"
    )
    catalog = Catalog.empty().with_objects([attribute_group, stream_service])
    assert catalog.problems() == []


def test_the_python_tracking_tutorial_passes():
    task_completed = Event(vendor="com.example", name="task_completed", version="1-0-0")
    engagement_group = StreamAttributeGroup(
        name="project_engagement",
        version=1,
        attribute_key=user_id,
        owner=OWNER,
        description="Per-user engagement with the project tool",
        attributes=[
            Attribute(
                name="tasks_completed_count",
                type="int32",
                aggregation="counter",
                events=[task_completed],
                period=timedelta(days=7),
            ),
            Attribute(
                name="last_completed_task_priority",
                type="string",
                aggregation="last",
                events=[task_completed],
                property=EventProperty(
                    vendor="com.example", name="task_completed", major_version=1, path="priority"
                ),
                period=timedelta(days=7),
            ),
        ],
    )
    engagement_service = Service(
        name="project_engagement_service", owner=OWNER, attribute_groups=[engagement_group]
    )
    power_user_nudge = RuleIntervention(
        name="power_user_nudge",
        version=1,
        owner=OWNER,
        criteria=InterventionCriteriaAny(
            any=[
                InterventionCriterion(
                    attribute="project_engagement:tasks_completed_count", operator=">=", value=5
                )
            ]
        ),
        target_attribute_keys=[LinkAttributeKey(name="user_id")],
    )
    objects = [engagement_group, engagement_service, power_user_nudge]
    assert Catalog.empty().with_objects(objects).problems() == []
