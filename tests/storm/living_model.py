"""The naive model while definitions come and go, for every attribute key, and honest about doubt.

Where a change and a contribution met so closely that no topic says which came first, several
outcomes are right: the model then gives all of them, and counts how often that was so.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, fields

from tests.model.comparing import Scalar, Value, deciding, is_met
from tests.model.messages import Entry, ProfileId, message, reason
from tests.model.naive import Model
from tests.model.published import Attribute, AttributeId, Json, Rule
from tests.model.verifier import canonical
from tests.storm.bounds import Beginning, Bounds
from tests.storm.timeline import Life, Name, Timeline

# The rule, the target, and the partition and offset of the event that triggers it.
Occasion = tuple[tuple[str, int], ProfileId, int, int]


@dataclass(frozen=True)
class Placed(Entry):
    """An event as a profile gets it, and the number of its section in the profile's partition."""

    section: int = 0


@dataclass
class Outcome:
    """What fires for certain, what may, and when nobody can say."""

    due: Counter[str] = field(default_factory=Counter)
    possible: Counter[str] = field(default_factory=Counter)
    unknowable: set[Occasion] = field(default_factory=set)


class LivingModel(Model):
    """Events of all profiles of one partition of the contributions topic."""

    def __init__(self, timeline: Timeline) -> None:
        super().__init__(timeline.ever)
        self.timeline = timeline
        self.outcome = Outcome()
        self.bounds = Bounds()
        self._chosen: dict[AttributeId, int] = {}
        self._seen_from: dict[AttributeId, int] = {}
        self._known: dict[tuple[Name, int], list[Beginning]] = {}
        # Attributes that begin before everything in the partition, by the state.
        self._always: set[tuple[AttributeId, int]] = set()
        # What `_states_of` has found: it depends on the definitions alone.
        self._states: dict[tuple[object, ...], list[int]] = {}

    def begin(self, bounds: Bounds) -> None:
        """What follows is of another partition."""
        self.bounds = bounds
        self._known = {}
        self._always = set()

    def count(self, owner: ProfileId, entry: Entry, section: int, source: Json) -> None:
        """Count an event of a section for a profile, and note what fires."""
        facts = {one.name: getattr(entry, one.name) for one in fields(Entry)}
        placed = Placed(**facts | {"values": self._with_sharers(entry)}, section=section)
        history = self.profiles.setdefault(owner, [])
        count = len(history)
        if placed.values:
            if self._is_duplicate(placed, history):
                self.duplicates += 1
                return
            history.append(placed)
        if placed.asked:
            rules = self.timeline.model(self.bounds.least[section]).rules
            for rule in rules:
                if rule.id in placed.asked:
                    self._send(rule, owner, (placed, source), history[:count], history)
        if placed.values:
            self._look(owner, history, source)
        elif not history:
            del self.profiles[owner]

    def _with_sharers(self, entry: Entry) -> dict[AttributeId, Scalar | None]:
        """The values, and those for attributes of other times that share a series with these."""
        values = entry.values
        for one, others in self.timeline.sharers.items():
            if one not in values:
                given = next((it for it in others if it in values), None)
                if given is not None:
                    values = {**values, one: values[given]}
        return values

    # --- rules -------------------------------------------------------------------------------

    def _look(self, owner: ProfileId, history: list[Entry], source: Json) -> None:
        newest = history[-1]
        assert isinstance(newest, Placed)
        least = self.bounds.least[newest.section]
        greatest = self.bounds.greatest[newest.section]
        for rule, certain in self.timeline.rules(least, greatest):
            read = {one.id for one in rule.reads.values()}
            if read.isdisjoint(newest.values):
                continue
            mine = [*rule.reads.values(), *rule.payload]
            states = self._states_of(rule, mine, least, greatest)
            if len(states) > 1 or not all(self._choose(one, history, states[0]) for one in mine):
                place = (source["partition"], source["offset"])
                self.outcome.unknowable.add((rule.id, owner, *place))
                continue
            found = self._fired(rule, owner, history, source)
            if found is not None:
                texts = self.outcome.due if certain else self.outcome.possible
                texts[canonical(found)] += 1

    def _states_of(
        self, rule: Rule, attributes: Iterable[Attribute], least: int, greatest: int
    ) -> list[int]:
        """States between these in which the rule is in force: one for all with the same lives."""
        of = (rule.id, frozenset(one.id for one in attributes), least, greatest)
        if of not in self._states:
            names = {name for one in attributes for name in self.timeline.kept_by[one.id]}
            found: dict[tuple[Life | None, ...], int] = {}
            for state in range(least, greatest + 1):
                if any(one.id == rule.id for one in self.timeline.model(state).rules):
                    lives = tuple(self.timeline.life(name, state) for name in names)
                    found.setdefault(lives, state)
            self._states[of] = list(found.values())
        return self._states[of]

    def _fired(
        self, rule: Rule, owner: ProfileId, history: list[Entry], source: Json
    ) -> Json | None:
        newest, earlier = history[-1], history[:-1]
        now_ms = max(one.time_ms for one in history if self._was_seen(one, rule))
        criteria = rule.definition["criteria"]
        after = {name: self._value(one, history, now_ms) for name, one in rule.reads.items()}
        before = {name: self._value(one, earlier, now_ms) for name, one in rule.reads.items()}
        if is_met(criteria, before, None) or not is_met(criteria, after, before):
            return None
        if not self._firings.may_fire(rule, owner, newest.time_ms):
            return None
        payload = {one.name: self._value(one, history, now_ms) for one in rule.payload}
        because = [reason(leaf, rule, before, after) for leaf in deciding(criteria, after, before)]
        return message(rule, owner, newest, source, payload, because)

    def _was_seen(self, entry: Entry, rule: Rule) -> bool:
        assert isinstance(entry, Placed)
        return any(
            one.id in entry.values and entry.section >= self._seen_from.get(one.id, 0)
            for one in rule.reads.values()
        )

    # --- where an attribute begins ---------------------------------------------------------------

    def _counted(
        self, attribute: Attribute, history: list[Entry], now_ms: int
    ) -> list[tuple[int, Scalar | None]]:
        section = self._chosen.get(attribute.id, 0)
        if section:
            history = [one for one in history if isinstance(one, Placed) and one.section >= section]
        return super()._counted(attribute, history, now_ms)

    def _choose(self, attribute: Attribute, history: list[Entry], state: int) -> bool:
        """Choose where an attribute begins in a history; False where the topics do not say."""
        if (attribute.id, state) in self._always:
            return True
        values, series = self.timeline.kept_by[attribute.id]
        begins = self._choices(attribute, values, history, state)
        seen = self._choices(attribute, series, history, state)
        self._chosen[attribute.id], self._seen_from[attribute.id] = begins[0], seen[0]
        if not any(one.latest for one in self._beginnings(values, state)):
            self._always.add((attribute.id, state))
        return len(begins) == len(seen) == 1

    def values_of(
        self, attribute: Attribute, owner: ProfileId, state: int, now_ms: int
    ) -> list[Value]:
        """What an attribute of a profile can be at a time under a state: nearly always one."""
        history = self.profiles.get(owner, [])
        values = []
        values_kept, _ = self.timeline.kept_by[attribute.id]
        for section in self._choices(attribute, values_kept, history, state):
            self._chosen[attribute.id] = section
            values.append(self._value(attribute, history, now_ms))
        return values

    def _choices(
        self, attribute: Attribute, name: Name, history: list[Entry], state: int
    ) -> list[int]:
        """The sections at which it may begin; only those that differ for this history."""
        beginnings = self._beginnings(name, state)
        if not any(one.latest for one in beginnings):
            return [0]
        sections = [
            one.section for one in history if isinstance(one, Placed) and attribute.id in one.values
        ]
        found: dict[int, int] = {}
        for beginning in beginnings:
            doubtful = {one for one in sections if beginning.earliest <= one < beginning.latest}
            for begin in (beginning.latest, *doubtful):
                found[sum(one >= begin for one in sections)] = begin
        return [found[count] for count in sorted(found)]

    def _beginnings(self, name: Name, state: int) -> list[Beginning]:
        """Where what is kept by a name in a state began; earlier ones, where it may go on."""
        if (name, state) not in self._known:
            lives = self.timeline.lives[name]
            life = self.timeline.life(name, state)
            assert life is not None
            number = lives.index(life)
            found = []
            for at in range(number, -1, -1):
                before = lives[at - 1] if at else None
                found.append(self.bounds.begins(lives[at], before))
                if found[-1].noted:
                    break
            self._known[name, state] = found
        return self._known[name, state]
