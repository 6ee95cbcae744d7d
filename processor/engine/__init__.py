"""Definitions compiled to a plan, and profiles changed by one contribution after another.

plan.py describes how definition, series, measure, slot, timer, touch and rule are related; joint/
describes the path of a rule across attribute keys; step.py contains the order in which a
contribution is applied.
Other packages import what they need from here.
"""

from processor.engine.attribute import CompiledAttribute
from processor.engine.contribution import Asks, Contribution
from processor.engine.counted_events import CountedEvents
from processor.engine.counted_records import (
    CountedRecord,
    counted_records,
    decode_counted,
    encode_counted,
)
from processor.engine.coverage import Coverage, decode_coverage, new_coverage
from processor.engine.expire import (
    NEVER_DUE_MS,
    NOTHING_REACHED,
    Expiry,
    Reached,
    due_ms,
    earliest_due_ms,
    expire,
)
from processor.engine.identifiers import Identities
from processor.engine.joint.join import join
from processor.engine.joint.part import Part, decode_part, encode_part
from processor.engine.plan import Plan, compile_plan
from processor.engine.profile import NEVER_MS, Profile
from processor.engine.profile_codec import (
    HEAD_SUFFIX,
    ProfileRecords,
    changed_records,
    decode_profile,
    new_profile,
    renew_profile,
)
from processor.engine.profile_weight import EMPTY_PROFILE_BYTES, head_weight
from processor.engine.read import read_attributes, read_since, read_values
from processor.engine.settle import settle
from processor.engine.step import Stepped, step
from processor.engine.what_if import WhatIf
from processor.events import Source, Trigger

__all__ = [
    "EMPTY_PROFILE_BYTES",
    "HEAD_SUFFIX",
    "NEVER_DUE_MS",
    "NEVER_MS",
    "NOTHING_REACHED",
    "Asks",
    "CompiledAttribute",
    "Contribution",
    "CountedEvents",
    "CountedRecord",
    "Coverage",
    "Expiry",
    "Identities",
    "Part",
    "Plan",
    "Profile",
    "ProfileRecords",
    "Reached",
    "Source",
    "Stepped",
    "Trigger",
    "WhatIf",
    "changed_records",
    "compile_plan",
    "counted_records",
    "decode_counted",
    "decode_coverage",
    "decode_part",
    "decode_profile",
    "due_ms",
    "earliest_due_ms",
    "encode_counted",
    "encode_part",
    "expire",
    "head_weight",
    "join",
    "new_coverage",
    "new_profile",
    "read_attributes",
    "read_since",
    "read_values",
    "renew_profile",
    "settle",
    "step",
]
