"""Rules over the attributes of a profile, and the message of one that fires."""

from processor.interventions.joint_rule import JointRule, JointSide, Told
from processor.interventions.message import Because, Fired, Trigger, encode_message
from processor.interventions.rule import CompiledRule, FiringLimit, Reader, intervention_id
from processor.interventions.tree import CHANGED, Leaf, Tree, Values, compile_tree, criterions

__all__ = [
    "CHANGED",
    "Because",
    "CompiledRule",
    "Fired",
    "FiringLimit",
    "JointRule",
    "JointSide",
    "Leaf",
    "Reader",
    "Told",
    "Tree",
    "Trigger",
    "Values",
    "compile_tree",
    "criterions",
    "encode_message",
    "intervention_id",
]
