"""What definitions would have made of events: the live path, in memory, event by event.

Events count in the order in which they are given; it is that of arrival. Every profile starts
empty, so lifetime attributes know these events alone. What profiles say about an event to joint
rules reaches their targets before the next event, in the order of the attribute keys.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from xxhash import xxh3_64_intdigest

from processor.aggregates import Result
from processor.engine.attribute import CompiledAttribute
from processor.engine.contribution import Contribution, Source
from processor.engine.joint import Part, join
from processor.engine.plan import Plan
from processor.engine.profile import NEVER_MS, Profile
from processor.engine.read import read_values
from processor.engine.step import step
from processor.errors import DeadLetterReason, MalformedEventError
from processor.events import parse_event
from processor.interventions import Fired
from processor.limits import WHAT_IF_FIRED_MAX, WHAT_IF_PROFILES_MAX

# An entry of a window in memory, besides the characters of a text.
_ENTRY_BYTES = 100


class WhatIf:
    """A run over events under a plan.

    `ids`: only profiles of these ids and what fires for them; empty for all. `profiles_max`: how
    many profiles fit. `matched` are events
    that contributed to such a profile, `duplicates` contributions of events that it had counted,
    `left_out` what concerned further profiles than fit. `malformed` counts events by reason,
    `fired_counts` interventions by name and version; `fired` are the first of them in order.
    `latest_ms` is the greatest event time, negative before the first event. `window_bytes` is about
    what windows would take in memory if nothing ever left them.
    """

    def __init__(
        self, plan: Plan, ids: Iterable[str] = (), *, profiles_max: int = WHAT_IF_PROFILES_MAX
    ) -> None:
        self.plan = plan
        self.ids = frozenset(ids)
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
        self._joined = {key for rule in plan.joints.values() for key in rule.sides}
        self._profiles: dict[tuple[str, str], Profile] = {}

    def take(self, value: bytes | None, source: Source, offset: int) -> None:
        """Count one record of the source."""
        self.events += 1
        try:
            event = parse_event(value)
            contributions = self.plan.contributions(event, offset)
        except MalformedEventError as error:
            self.malformed[error.reason] += 1
            return
        except MemoryError:
            raise
        except Exception:
            # As in a worker: an event that meets a fault of ours does not stop the others.
            self.malformed[DeadLetterReason.UNEXPECTED] += 1
            return
        self.latest_ms = max(self.latest_ms, event.time_ms)
        self.matched += any(one.values and self._wanted(one.id) for one in contributions)
        parts: list[Part] = []
        for contribution in contributions:
            # Targets that are wanted join what others say.
            if self._wanted(contribution.id) or contribution.key in self._joined:
                parts += self._apply(contribution, source)
        for part in sorted(parts, key=lambda one: (one.key, one.target_key)):
            if self._wanted(part.target_id):
                self._join(part)

    def values(
        self, key: str, identifier: str, attributes: Sequence[CompiledAttribute], now_ms: int
    ) -> list[Result]:
        """Return what a read of these attributes would answer at `now_ms`."""
        return read_values(self._profiles.get((key, identifier)), attributes, now_ms)

    def sample(
        self, attributes: Sequence[CompiledAttribute], count: int, *, seed: int, now_ms: int
    ) -> list[str]:
        """Return ids of the attributes' key that have a value at `now_ms`, at most `count`.

        They are picked at random by `seed`: the same ones of the same ids.
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
        ids = [one for of, one in self._profiles if of == key and self._wanted(one)]
        yield from sorted(ids, key=lambda one: (xxh3_64_intdigest(one.encode(), seed), one))

    def _wanted(self, identifier: str) -> bool:
        return not self.ids or identifier in self.ids

    def _apply(self, contribution: Contribution, source: Source) -> Sequence[Part]:
        profile = self._profile(contribution.key, contribution.id, keep=bool(contribution.values))
        if profile is None:
            return ()
        for series_id, value in contribution.values:
            if series_id in self._windowed:
                self.window_bytes += _ENTRY_BYTES + (len(value) if isinstance(value, str) else 0)
        stepped = step(profile, contribution, self.plan, source)
        if stepped is None:
            self.duplicates += self._wanted(contribution.id)
            return ()
        if self._wanted(contribution.id):
            for fired in stepped.fired:
                self._fire(fired)
        return stepped.parts

    def _join(self, part: Part) -> None:
        profile = self._profile(part.target_key, part.target_id, keep=True)
        if profile is not None and (fired := join(profile, part, self.plan)) is not None:
            self._fire(fired)

    def _profile(self, key: str, identifier: str, *, keep: bool) -> Profile | None:
        """Return a profile, a new one where there is none; None where it has no room."""
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
