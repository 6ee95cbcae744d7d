"""A shop: what a visitor views and puts into the cart, and two moments to send a message.

The events are those of Snowplow's ecommerce plugin: one `snowplow_ecommerce_action` whose `type`
states what happened, with a `product` entity for the product concerned.
"""

from datetime import timedelta

from definitions import (
    Attribute,
    Criteria,
    Criterion,
    EntityProperty,
    Event,
    EventProperty,
    InterventionCriteriaAll,
    InterventionCriteriaNone,
    InterventionCriterion,
    RuleIntervention,
    Service,
    StreamAttributeGroup,
    domain_userid,
)

VENDOR = "com.snowplowanalytics.snowplow.ecommerce"
OWNER = "shop@example.com"

ecommerce_action = Event(vendor=VENDOR, name="snowplow_ecommerce_action")
action_type = EventProperty(
    vendor=VENDOR, name="snowplow_ecommerce_action", major_version=1, path="type"
)
product_price = EntityProperty(vendor=VENDOR, name="product", major_version=1, path="price")
product_name = EntityProperty(vendor=VENDOR, name="product", major_version=1, path="name")

product_viewed = Criteria(all=[Criterion.eq(property=action_type, value="product_view")])
put_into_cart = Criteria(all=[Criterion.eq(property=action_type, value="add_to_cart")])

ecom_attributes = StreamAttributeGroup(
    name="ecom_attributes",
    version=1,
    description="what a visitor has done in the shop so far",
    attribute_key=domain_userid,
    owner=OWNER,
    attributes=[
        Attribute(
            name="count_product_views",
            type="int32",
            events=[ecommerce_action],
            criteria=product_viewed,
            aggregation="counter",
            default_value=0,
        ),
        Attribute(
            name="count_add_to_cart",
            type="int32",
            events=[ecommerce_action],
            criteria=put_into_cart,
            aggregation="counter",
            default_value=0,
        ),
        Attribute(
            name="total_cart_value",
            type="double",
            events=[ecommerce_action],
            criteria=put_into_cart,
            property=product_price,
            aggregation="sum",
            default_value=0.0,
        ),
    ],
)

ecom_recent = StreamAttributeGroup(
    name="ecom_recent",
    version=1,
    description="what a visitor does now: values age while nothing happens",
    attribute_key=domain_userid,
    owner=OWNER,
    attributes=[
        Attribute(
            name="product_views_15m",
            type="int32",
            events=[ecommerce_action],
            criteria=product_viewed,
            aggregation="counter",
            period=timedelta(minutes=15),
            default_value=0,
        ),
        Attribute(
            name="last_product_15m",
            type="string",
            events=[ecommerce_action],
            criteria=product_viewed,
            property=product_name,
            aggregation="last",
            period=timedelta(minutes=15),
        ),
    ],
)

service = Service(
    name="ecom_attributes", attribute_groups=[ecom_attributes, ecom_recent], owner=OWNER
)

cart_nudge = RuleIntervention(
    name="cart_nudge",
    version=1,
    description="a cart that is worth a reminder",
    owner=OWNER,
    criteria=InterventionCriteriaAll(
        all=[
            InterventionCriterion(
                attribute="ecom_attributes:total_cart_value", operator=">", value=100
            ),
            InterventionCriterion(
                attribute="ecom_attributes:count_product_views", operator=">=", value=3
            ),
        ]
    ),
)

help_to_choose = RuleIntervention(
    name="help_to_choose",
    version=1,
    description="looks at one product after the other and takes none",
    owner=OWNER,
    criteria=InterventionCriteriaAll(
        all=[
            InterventionCriterion(
                attribute="ecom_recent:product_views_15m", operator=">=", value=5
            ),
            InterventionCriteriaNone(
                none=[
                    InterventionCriterion(
                        attribute="ecom_attributes:count_add_to_cart", operator=">", value=0
                    )
                ]
            ),
        ]
    ),
)
