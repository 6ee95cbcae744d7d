"""Joint rules, whose attributes and targets have several attribute keys: the whole path.

The profiles that such a rule reads are in different partitions, usually on different workers, and
change at different moments. So none of them can decide alone.

 1. `ask`: if an event contributes to a series that the rule's criteria read, it asks every profile
    that the rule reads, even if it contributes nothing to that profile. The contribution carries
    what it asks. This happens in matching, in the source stage.
 2. `part`: when a contribution that asks is applied, the profile makes a *part* for each target:
    the rule's attributes on its key, without the event and with it. The parts go to the rules topic
    in the transaction that holds the profile's change.
 3. `instance`: for each combination of the ids that the rule reads, a target remembers the last
    part of each key, in its own profile.
 4. `join`: a part that arrives at its target replaces the last part of its key. Once every key has
    sent a part, the values of all keys are available together, before the part and with it. The
    rule fires if its criteria were not met and are met now, and if its limit allows it.

processor/interventions/rule.py defines joint rules and local rules.
processor/decisions/joint-rules.md has the reasons, what can go wrong, and what was rejected.

This package exports nothing: profiles hold instances, and parts are made from profiles.
"""
