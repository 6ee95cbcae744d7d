"""Rules over the attributes of a profile, and the message of one that fires."""

from processor.interventions.message import Because, Fired, Trigger, encode_message
from processor.interventions.rule import CompiledRule, Reader, intervention_id
from processor.interventions.tree import Leaf, Tree, compile_tree

__all__ = [
    "Because",
    "CompiledRule",
    "Fired",
    "Leaf",
    "Reader",
    "Tree",
    "Trigger",
    "compile_tree",
    "encode_message",
    "intervention_id",
]
