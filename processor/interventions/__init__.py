"""Rules over the attributes of a profile, and the message of one that fires."""

from processor.interventions.client_form import ClientForm, client_form
from processor.interventions.joint_rule import JointRule, JointSide, Told
from processor.interventions.message import (
    Because,
    Fired,
    Pushed,
    Trigger,
    encode_message,
    encode_pushed,
)
from processor.interventions.record import InterventionRecord
from processor.interventions.rule import CompiledRule, FiringLimit, Reader, intervention_id
from processor.interventions.tree import CHANGED, Leaf, Tree, Values, compile_tree, criterions

__all__ = [
    "CHANGED",
    "Because",
    "ClientForm",
    "CompiledRule",
    "Fired",
    "FiringLimit",
    "InterventionRecord",
    "JointRule",
    "JointSide",
    "Leaf",
    "Pushed",
    "Reader",
    "Told",
    "Tree",
    "Trigger",
    "Values",
    "client_form",
    "compile_tree",
    "criterions",
    "encode_message",
    "encode_pushed",
    "intervention_id",
]
