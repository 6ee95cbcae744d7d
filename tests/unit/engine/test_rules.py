import pytest

from definitions import InterventionCriteriaAll, user_id
from processor.errors import DefinitionError

START = 1_700_000_000_000


def test_an_attribute_means_the_latest_version_that_has_it(write, bench):
    groups = [
        write.group(write.attribute("a"), write.attribute("b", "sum"), version=1),
        write.group(write.attribute("a"), write.attribute("c", "sum", type="int64"), version=2),
    ]
    both = [write.criterion("g:a", ">", 0), write.criterion("g:b", "is null")]
    one = bench(write.plan(*groups, write.rule(InterventionCriteriaAll(all=both))))
    (fired,) = one.step(START, a=None)
    versions = {because.attribute: because.group_version for because in fired.because}
    assert versions == {"g:a": 2, "g:b": 1}
    assert fired.attributes == {"g:a": 1, "g:b": None, "g:c": None}


def test_a_rule_over_several_keys_is_refused(write):
    groups = [
        write.group(write.attribute("a")),
        write.group(write.attribute("b"), name="h", attribute_key=user_id),
    ]
    both = [write.criterion("g:a", ">", 0), write.criterion("h:b", ">", 0)]
    with pytest.raises(DefinitionError, match="several attribute keys"):
        write.plan(*groups, write.rule(InterventionCriteriaAll(all=both)))


def test_a_rule_that_reads_nothing_never_fires(write, bench):
    rule = write.rule(InterventionCriteriaAll(all=[]))
    one = bench(write.plan(write.group(write.attribute("a")), rule))
    assert one.step(START, a=None) == ()
