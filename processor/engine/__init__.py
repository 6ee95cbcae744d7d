"""Definitions compiled to a plan, and a profile moved on by one contribution after the other."""

from processor.engine.attribute import CompiledAttribute
from processor.engine.contribution import Asks, Contribution, Source
from processor.engine.coverage import Coverage, decode_coverage, new_coverage
from processor.engine.expire import Expiry, expire
from processor.engine.joint import Part, decode_part, encode_part, join
from processor.engine.plan import Plan, compile_plan
from processor.engine.profile import Profile
from processor.engine.profile_codec import changed_records, decode_profile, new_profile
from processor.engine.read import read_attributes, read_since, read_values
from processor.engine.step import Stepped, step
from processor.engine.what_if import WhatIf

__all__ = [
    "Asks",
    "CompiledAttribute",
    "Contribution",
    "Coverage",
    "Expiry",
    "Part",
    "Plan",
    "Profile",
    "Source",
    "Stepped",
    "WhatIf",
    "changed_records",
    "compile_plan",
    "decode_coverage",
    "decode_part",
    "decode_profile",
    "encode_part",
    "expire",
    "join",
    "new_coverage",
    "new_profile",
    "read_attributes",
    "read_since",
    "read_values",
    "step",
]
