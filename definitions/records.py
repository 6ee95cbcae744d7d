"""Definitions as records of the definitions topic, and as files that people write."""

import runpy
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from pydantic_core import from_json

from definitions.attribute_groups import AttributeGroup
from definitions.attribute_keys import BUILT_IN_KEYS, AttributeKey
from definitions.catalog import Catalog
from definitions.checks import check_meaning
from definitions.event_logs import EventLog
from definitions.field_problems import problems_of
from definitions.interventions import RuleIntervention
from definitions.model import Mistake, collected_mistakes
from definitions.objects import Definition, class_for, kind_for, place_of, record_key, to_record
from definitions.problems import Problem, ProblemCode, ProblemList, shown_name, shown_record
from definitions.reading import raw_of, read
from definitions.services import Service

__all__ = ["RecordError", "from_record", "objects_from_file", "record_key", "to_record"]

_KINDS: Final = (AttributeKey, AttributeGroup, Service, RuleIntervention, EventLog)
_NOTHING: Final = "has no definitions"


class RecordError(ValueError):
    """A record or a file cannot be read as definitions; `problems` has everything that is wrong."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


def from_record(key: str, value: bytes) -> Definition:
    """The definition in a record of the definitions topic.

    Its form is checked, not its meaning (see `Catalog.problems`). Raises RecordError, which has
    the problems of both.
    """
    found = ProblemList(key)
    place = f"record {shown_record(key)}"
    raw = _object(value, place, found)
    kind = key.partition("/")[0]
    try:
        model = class_for(kind, raw)
    except KeyError:
        kinds = "attribute_key/NAME, attribute_group/NAME/VERSION, service/NAME, "
        hint = f"use {kinds}intervention/NAME/VERSION or event_log/NAME"
        found.add(ProblemCode.RECORD_KEY, place, "not a key of a definition", hint=hint, value=key)
        raise RecordError(found.items) from None
    reading = read(model, raw, place, key)
    definition = reading.value
    problems = found.items + reading.problems + check_meaning(definition)
    if reading.problems:
        raise RecordError(problems)
    if record_key(definition) != key:
        message = f"the definition in it is {place_of(definition)}"
        hint = f"use the key {record_key(definition)}"
        found.add(ProblemCode.RECORD_KEY, place, message, hint=hint, value=key)
        raise RecordError(found.items)
    return definition


def from_registry(kind: str, value: bytes) -> Definition:
    """The definition of a kind that a client of the registry sends; unknown fields are ignored.

    Its form is checked and, if the form is wrong, also its meaning, so that RecordError has all
    problems.
    """
    raw = _object(value, kind, ProblemList(""))
    name = raw.get("name")
    place = f"{kind} {shown_name(name)}" if isinstance(name, str) else kind
    reading = read(class_for(kind, raw), raw, place, "", quiet=True)
    if reading.problems:
        raise RecordError(reading.problems + check_meaning(reading.value))
    return reading.value


def objects_from_file(
    path: Path | str, known: Callable[[], Catalog] = Catalog.empty
) -> list[Definition]:
    """The definitions of a file, in the order in which they stand there.

    A Python file is executed, and can import modules from its own directory; every definition
    object at the top level of the module counts. Any other file is JSON: one registry object or a
    list of them. The form of the definitions is checked, not their meaning (see
    `Catalog.problems`). Raises RecordError where a form is wrong, with all the problems, those of
    the meaning beside what is known included; `known` is asked only then.
    """
    path = Path(path)
    found = ProblemList("")
    with collected_mistakes() as mistakes:
        load = _objects_of_python if path.suffix == ".py" else _objects_of_json
        objects = load(path, found)
    _note_doubles(objects, path, found)
    if not mistakes and not found.items:
        return objects
    catalog = known().with_objects(objects)
    mine = {record_key(definition) for definition in objects}
    problems = found.items + [p for p in catalog.problems() if p.record in mine]
    if not objects and mistakes:  # an intended definition could not be made
        problems = [p for p in problems if p.message != _NOTHING]
        problems += _problems_of_mistakes(mistakes, path)
    raise RecordError(problems)


@contextmanager
def _modules_beside(path: Path) -> Iterator[None]:
    """Let a file import modules of its directory, as if Python ran it; they are forgotten after."""
    directory = str(path.parent.absolute())
    known = set(sys.modules)
    sys.path.insert(0, directory)
    try:
        yield
    finally:
        sys.path.remove(directory)
        for name in set(sys.modules) - known:
            file = getattr(sys.modules[name], "__file__", None)
            if file and Path(file).is_relative_to(directory):
                del sys.modules[name]


def _objects_of_python(path: Path, found: ProblemList) -> list[Definition]:
    try:
        with _modules_beside(path):
            names = runpy.run_path(str(path), run_name="definitions_file")
    except (Exception, SystemExit) as error:  # the user's own code may raise anything
        found.add(
            ProblemCode.FILE,
            f"{path}{_line(error, path)}",
            f"the file does not run: {type(error).__name__}: {error}",
            hint="correct the file; nothing in it was read",
        )
        return []
    built_in = BUILT_IN_KEYS.values()
    objects = {
        id(value): value
        for value in names.values()
        if isinstance(value, _KINDS) and not any(value is key for key in built_in)
    }
    if not objects:
        _note_nothing(path, found)
    return list(objects.values())


def _objects_of_json(path: Path, found: ProblemList) -> list[Definition]:
    try:
        content = path.read_bytes()
    except OSError as error:
        hint = "name a readable file"
        found.add(ProblemCode.FILE, str(path), f"cannot be read: {error.strerror}", hint=hint)
        return []
    raw = _json(content, str(path), found)
    objects: list[Definition] = []
    for number, item in enumerate(raw if isinstance(raw, list) else [raw], start=1):
        if isinstance(item, Mapping):
            objects.append(class_for(kind_for(item), item)(**item))
        elif raw is not None:
            place = f"{path} / object {number}"
            hint = "write one registry object, or a list of them"
            found.add(ProblemCode.SHAPE, place, "not an object", hint=hint, value=item)
    if not objects and not found.items:
        _note_nothing(path, found)
    return objects


def _object(content: bytes, place: str, found: ProblemList) -> Mapping[str, Any]:  # JSON values
    raw = _json(content, place, found)
    if isinstance(raw, Mapping):
        return raw
    if not found.items:
        hint = "write a registry object"
        found.add(ProblemCode.SHAPE, place, "not an object", hint=hint, value=raw)
    raise RecordError(found.items)


def _json(content: bytes, place: str, found: ProblemList) -> Any:  # JSON values
    try:
        raw = from_json(content, allow_inf_nan=False)
    except ValueError as error:
        found.add(ProblemCode.FILE, place, f"not JSON: {error}", hint="correct the JSON")
        return None
    if raw is None:
        found.add(ProblemCode.SHAPE, place, "null is no definition", hint="write an object")
    return raw


def _note_nothing(path: Path, found: ProblemList) -> None:
    hint = "write a registry object, or a list of them"
    if path.suffix == ".py":
        hint = "assign each definition to a name at the top level of the file"
    found.add(ProblemCode.FILE, str(path), _NOTHING, hint=hint)


def _note_doubles(objects: Iterable[Definition], path: Path, found: ProblemList) -> None:
    for key, count in Counter(record_key(definition) for definition in objects).items():
        if count > 1:
            message = f"{count} definitions are {key}"
            hint = "give each its own name or version"
            found.add(ProblemCode.DUPLICATE_OBJECT, str(path), message, hint=hint, value=key)


def _problems_of_mistakes(mistakes: Iterable[Mistake], path: Path) -> list[Problem]:
    return [
        problem
        for mistake in mistakes
        for problem in problems_of(
            mistake.error, raw_of(mistake.arguments), f"{path} / {_called(mistake)}", ""
        )
    ]


def _called(mistake: Mistake) -> str:
    name = mistake.arguments.get("name")
    return f"{mistake.kind} {name}" if isinstance(name, str) and name else mistake.kind


def _line(error: BaseException, path: Path) -> str:
    if isinstance(error, SyntaxError):
        return f" line {error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(path)]
    return f" line {lines[-1]}" if lines else ""
