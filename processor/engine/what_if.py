"""What definitions would have computed from events: the live path, in memory, event by event.

Events count in the order in which they are passed, which is the order of arrival. Every profile
starts empty, so lifetime attributes cover only these events. Parts that profiles send to joint
rules about an event reach their targets before the next event, in the order of attribute keys.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from xxhash import xxh3_64_intdigest

from processor.aggregates import Result
from processor.engine.attribute import CompiledAttribute
from processor.engine.contribution import Contribution
from processor.engine.counted_events import CountedEvents
from processor.engine.joint.join import join
from processor.engine.joint.part import Part
from processor.engine.plan import Plan
from processor.engine.profile import NEVER_MS, Profile
from processor.engine.read import read_values
from processor.engine.step import step
from processor.errors import DeadLetterReason, MalformedEventError
from processor.events import Source, parse_event, unpack
from processor.events.compression import compression_of
from processor.interventions import Fired
from processor.limits import DEDUPLICATION_BYTES, WHAT_IF_FIRED_MAX, WHAT_IF_PROFILES_MAX

# An entry of a window in memory, without the characters of a text.
_ENTRY_BYTES = 100


class WhatIf:
    """A run over events under a plan.

    `ids`: include only profiles of these ids and what fires for them; empty for all.
    `profiles_max`: how many profiles fit. `matched` counts events that contributed to such a
    profile; `duplicates` counts contributions of events that it had already counted; `left_out`
    counts what was for profiles that did not fit. `malformed` counts events by reason, and
    `fired_counts` counts interventions by name and version; `fired` are the first interventions, in
    order. `latest_ms` is the greatest event time, negative before the first event. `window_bytes`
    is roughly the memory that windows would take if nothing ever left them.
    """

    def __init__(
        self, plan: Plan, ids: Iterable[str] = (), *, profiles_max: int = WHAT_IF_PROFILES_MAX
    ) -> None:
        self.plan = plan
        self.ids = frozenset(ids)
        self._wanted_ids: dict[str, frozenset[str]] = {}
        self.events = 0
        self.matched = 0
        self.duplicates = 0
        self.left_out = 0
        self.latest_ms = NEVER_MS
        self.malformed: Counter[DeadLetterReason] = Counter()
        self.fired: list[Fired] = []
        self.fired_counts: Counter[tuple[str, int]] = Counter()
        self.window_bytes = 0
        self._windowed = {of for of, series in plan.series.items() if series.kept_ms}
        self._profiles_max = profiles_max
        self._counted = CountedEvents(plan.deduplication.horizon_ms, bytes_max=DEDUPLICATION_BYTES)
        self._joined = {key for rule in plan.joints.values() for key in rule.sides}
        self._profiles: dict[tuple[str, str], Profile] = {}

    def take(
        self, value: bytes | None, source: Source, offset: int, arrival_ms: int | None = None
    ) -> None:
        """Count one record of the source; `arrival_ms` is the same as for `parse_event`."""
        if value is None or compression_of(value) is None:
            self._take_event(value, source, offset, arrival_ms)
            return
        try:
            events = unpack(value).events
        except MalformedEventError as error:
            self.events += 1
            self.malformed[error.reason] += 1
            return
        for event in events:
            self._take_event(event, source, offset, arrival_ms)

    def _take_event(
        self, value: bytes | None, source: Source, offset: int, arrival_ms: int | None
    ) -> None:
        self.events += 1
        try:
            event = parse_event(value, arrival_ms)
            contributions = self.plan.contributions(event, source, offset)
        except MalformedEventError as error:
            self.malformed[error.reason] += 1
            return
        except MemoryError:
            raise
        except Exception:
            # As in a worker: an event that triggers an error in our code does not stop the others.
            self.malformed[DeadLetterReason.UNEXPECTED] += 1
            return
        self.latest_ms = max(self.latest_ms, event.time_ms)
        self.matched += any(one.values and self._wanted(one.key, one.id) for one in contributions)
        parts: list[Part] = []
        for contribution in contributions:
            # Wanted targets join the parts of other profiles.
            if self._wanted(contribution.key, contribution.id) or contribution.key in self._joined:
                parts += self._apply(contribution)
        for part in sorted(parts, key=lambda one: (one.key, one.target_key)):
            if self._wanted(part.target_key, part.target_id):
                self._join(part)

    def values(
        self, key: str, identifier: str, attributes: Sequence[CompiledAttribute], now_ms: int
    ) -> list[Result]:
        """Return what a read of these attributes would return at `now_ms`."""
        kept = self.plan.identities.kept(key, identifier)
        return read_values(self._profiles.get((key, kept)), attributes, now_ms)

    def sample(
        self, attributes: Sequence[CompiledAttribute], count: int, *, seed: int, now_ms: int
    ) -> list[str]:
        """Return ids of the attributes' key that have a value at `now_ms`, at most `count`.

        They are chosen at random with `seed`: the same seed and ids give the same choice.
        """
        keys = {attribute.key for attribute in attributes}
        assert len(keys) == 1, "attributes of one key are read together"
        key = keys.pop()
        found: list[str] = []
        for identifier in self._shuffled(key, seed):
            if len(found) == count:
                break
            values = self.values(key, identifier, attributes, now_ms)
            if any(value is not None for value in values):
                found.append(identifier)
        return found

    def _shuffled(self, key: str, seed: int) -> Iterator[str]:
        ids = [one for of, one in self._profiles if of == key and self._wanted(key, one)]
        yield from sorted(ids, key=lambda one: (xxh3_64_intdigest(one.encode(), seed), one))

    def _wanted(self, key: str, identifier: str) -> bool:
        """Return whether a kept id of a key is one of the requested ids."""
        if not self.ids:
            return True
        wanted = self._wanted_ids.get(key)
        if wanted is None:
            kept = self.plan.identities.kept
            wanted = self._wanted_ids[key] = frozenset(kept(key, one) for one in self.ids)
        return identifier in wanted

    def _apply(self, contribution: Contribution) -> Sequence[Part]:
        profile = self._profile(contribution.key, contribution.id, keep=bool(contribution.values))
        if profile is None:
            return ()
        if self._counted.count([contribution], self.plan.series)[0]:
            self.duplicates += self._wanted(contribution.key, contribution.id)
            return ()
        for series_id, value in contribution.values:
            if series_id in self._windowed:
                self.window_bytes += _ENTRY_BYTES + (len(value) if isinstance(value, str) else 0)
        stepped = step(profile, contribution, self.plan)
        assert stepped is not None, "no head here was written by an older version"
        if self._wanted(contribution.key, contribution.id):
            for fired in stepped.fired:
                self._fire(fired)
        return stepped.parts

    def _join(self, part: Part) -> None:
        profile = self._profile(part.target_key, part.target_id, keep=True)
        if profile is not None and (fired := join(profile, part, self.plan)) is not None:
            self._fire(fired)

    def _profile(self, key: str, identifier: str, *, keep: bool) -> Profile | None:
        """Return a profile, a new one if there is none; None if there is no room for it."""
        profile = self._profiles.get((key, identifier))
        if profile is None:
            if keep and len(self._profiles) >= self._profiles_max:
                self.left_out += 1
                return None
            profile = Profile()
            if keep:
                self._profiles[key, identifier] = profile
        return profile

    def _fire(self, fired: Fired) -> None:
        self.fired_counts[fired.name, fired.version] += 1
        if len(self.fired) < WHAT_IF_FIRED_MAX:
            self.fired.append(fired)
