"""Definitions compiled to a plan, and a profile moved on by one contribution after the other."""

from processor.engine.attribute import CompiledAttribute
from processor.engine.contribution import Contribution
from processor.engine.expire import Expiry, expire
from processor.engine.plan import Plan, compile_plan
from processor.engine.profile import Profile
from processor.engine.profile_codec import changed_records, decode_profile, new_profile
from processor.engine.read import read_attributes, read_values
from processor.engine.step import Source, step
from processor.engine.what_if import WhatIf

__all__ = [
    "CompiledAttribute",
    "Contribution",
    "Expiry",
    "Plan",
    "Profile",
    "Source",
    "WhatIf",
    "changed_records",
    "compile_plan",
    "decode_profile",
    "expire",
    "new_profile",
    "read_attributes",
    "read_values",
    "step",
]
