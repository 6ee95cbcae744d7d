"""Job (b): the three attributes of a shop over a lifetime, and a rule over two of them."""

from definitions import InterventionCriteriaAll, InterventionCriterion, RuleIntervention, Service
from definitions.examples.ecommerce import OWNER, ecom_attributes

service = Service(name="ecom_attributes", attribute_groups=[ecom_attributes], owner=OWNER)

# Prices are in cents: no sum of doubles is so near to it that rounding decides.
full_cart = RuleIntervention(
    name="full_cart",
    version=1,
    owner=OWNER,
    criteria=InterventionCriteriaAll(
        all=[
            InterventionCriterion(
                attribute="ecom_attributes:count_product_views", operator=">=", value=3
            ),
            InterventionCriterion(
                attribute="ecom_attributes:total_cart_value", operator=">", value=250.005
            ),
        ]
    ),
)
