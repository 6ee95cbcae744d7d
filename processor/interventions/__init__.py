"""Rules over the attributes of a profile, and the message of one that fires."""

from processor.interventions.message import Because, Fired, Trigger, encode_message
from processor.interventions.rule import CompiledRule, FiringLimit, Reader, intervention_id
from processor.interventions.tree import CHANGED, Leaf, Tree, compile_tree, criterions

__all__ = [
    "CHANGED",
    "Because",
    "CompiledRule",
    "Fired",
    "FiringLimit",
    "Leaf",
    "Reader",
    "Tree",
    "Trigger",
    "compile_tree",
    "criterions",
    "encode_message",
    "intervention_id",
]
