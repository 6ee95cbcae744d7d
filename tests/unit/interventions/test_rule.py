import uuid

from definitions import InterventionCriterion
from processor.interventions import Because, CompiledRule, Leaf, compile_tree, intervention_id


def test_an_id_is_a_uuid_of_rule_version_and_event_alone():
    one = intervention_id("nudge", 1, "e1")
    assert one == intervention_id("nudge", 1, "e1")
    assert uuid.UUID(one).version == 5
    assert len({one, intervention_id("nudge", 2, "e1"), intervention_id("nudge", 1, "e2")}) == 3
    assert one == "d965d80d-8546-5e9e-b008-26b5343d6867"


def test_because_has_the_values_without_and_with_the_event():
    criterion = InterventionCriterion(attribute="g:a", operator=">=", value=3)
    tree = compile_tree(criterion, lambda _: Leaf("g:a", 2, ">=", 3, 0))
    rule = CompiledRule("nudge", 1, "user_id", (), True, (), (), tree, ())
    assert rule.because([2], [3]) == [Because("g:a", 2, ">=", 3, 2, 3)]
