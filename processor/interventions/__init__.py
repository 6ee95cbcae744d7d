"""Rules over the attributes of a profile, and the message of a rule that fires."""

from processor.interventions.client_form import (
    ClientForm,
    InterventionRecord,
    client_form,
    spelled,
)
from processor.interventions.message import (
    Because,
    Fired,
    Pushed,
    encode_message,
    encode_pushed,
    iso_time,
)
from processor.interventions.rule import (
    FiringLimit,
    JointRule,
    JointSide,
    LocalRule,
    Reader,
    Rule,
    Told,
    intervention_id,
)
from processor.interventions.sink import Sink
from processor.interventions.tree import (
    Leaf,
    MustChange,
    Tree,
    Values,
    compile_changes,
    compile_tree,
)

__all__ = [
    "Because",
    "ClientForm",
    "Fired",
    "FiringLimit",
    "InterventionRecord",
    "JointRule",
    "JointSide",
    "Leaf",
    "LocalRule",
    "MustChange",
    "Pushed",
    "Reader",
    "Rule",
    "Sink",
    "Told",
    "Tree",
    "Values",
    "client_form",
    "compile_changes",
    "compile_tree",
    "encode_message",
    "encode_pushed",
    "intervention_id",
    "iso_time",
    "spelled",
]
