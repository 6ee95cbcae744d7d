"""Comparisons that can never be met, because no value of the one side is of the type of the other.

They are no problems: a definition that has one can be published. Whoever reads a file warns.
"""

from collections.abc import Mapping
from typing import Final

from definitions.attribute_groups import AttributeGroup
from definitions.attribute_types import DOMAINS, ValueDomain
from definitions.criteria import Criterion
from definitions.directory import Directory, computes
from definitions.interventions import InterventionCriterion, RuleIntervention, criterions
from definitions.objects import Definition, place_of, record_key
from definitions.operators import OPERATORS, Operand, Pattern
from definitions.problems import Problem, ProblemCode, ProblemList
from definitions.properties import AtomicProperty

# What a type is called, and what is written to compare with it.
_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "text": ("a text", "a text in quotes"),
    "number": ("a number", "a number without quotes"),
    "boolean": ("true or false", "true or false without quotes"),
}
_SEVERAL: Final = "several values"


def never_met(
    definition: Definition, directory: Directory, columns: Mapping[str, ValueDomain]
) -> list[Problem]:
    """The criteria of a rule or of attributes that no value meets (definitions/README.md, C2, I7).

    `columns` are the domains of columns of events. What a self-describing event or an entity holds
    is not known, and is passed over. The definition is right, and all that it names is there.
    """
    found = ProblemList(record_key(definition))
    place = place_of(definition)
    match definition:
        case RuleIntervention():
            for leaf in criterions(definition.criteria):
                kind = _type_of(leaf.attribute, directory)
                if kind is not None:
                    domain = _domain(DOMAINS.get(kind))
                    _note(leaf, f"{place} / {leaf.attribute}", found, f"of type {kind}", domain)
        case AttributeGroup():
            for attribute in definition.attributes or ():
                criteria = vars(attribute).get("criteria")
                for one in (*(criteria.all or ()), *(criteria.any or ())) if criteria else ():
                    column = _column(one)
                    if column in columns:
                        where = f"{place} / attribute {attribute.name} / {column}"
                        _note(one, where, found, "a column", _domain(columns[column]))
    return found.items


def _type_of(reference: str, directory: Directory) -> str | None:
    """The type of the attribute that a rule reads, None where there is none (I11)."""
    name, _, wanted = reference.partition(":")
    types = [
        (computes(group), str(attribute.type))
        for group in directory.versions_of(name)
        if not group.offline
        for attribute in group.attributes or ()
        if attribute.name == wanted
    ]
    return next((kind for live, kind in types if live), types[0][1] if types else None)


def _column(criterion: Criterion) -> str:
    """The column of events that a criterion compares as it is, empty where it compares another."""
    where = criterion.property
    return where.name if isinstance(where, AtomicProperty) and where.date_part is None else ""


def _domain(domain: ValueDomain | None) -> str:
    if domain is None:
        return _SEVERAL
    return {"string": "text", "boolean": "boolean"}.get(domain, "number")


def _domain_of(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "text" if isinstance(value, str) else "number"


def _note(
    leaf: Criterion | InterventionCriterion, place: str, found: ProblemList, of: str, domain: str
) -> None:
    operator = OPERATORS[leaf.operator]
    if operator.operand is Operand.NOTHING or operator.negates is not None:
        return
    values = leaf.value if isinstance(leaf.value, tuple) else (leaf.value,)
    compared = {_domain_of(value) for value in values}
    pattern = isinstance(operator.operand, Pattern)
    if domain in compared and not (pattern and domain != "text"):
        return
    if domain == _SEVERAL:
        what = "it holds several values"
        hint = "use 'is not null', 'changed', or an attribute that holds one value"
    elif pattern:
        what = f"it is {_WORDS[domain][0]}"
        hint = f"{operator.name!r} is for texts: use another operator"
    else:
        other = " or ".join(_WORDS[one][0] for one in sorted(compared))
        what = f"it is {_WORDS[domain][0]}, and is compared with {other}"
        hint = f"write {_WORDS[domain][1]}"
    message = f"{leaf.operator!r} is never met: {what} ({of})"
    found.add(ProblemCode.NEVER_MET, place, message, hint=hint, value=leaf.value)
