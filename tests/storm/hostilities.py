"""What a storm does to the processor, and how often: the one place with the switches.

Times are in seconds of the storm unless named otherwise. An entry of `Pace` is the mean time
between two actions of a kind; the first comes early enough that a storm of three minutes has at
least ten kills, two zombies and one broker kill.
"""

from dataclasses import dataclass, replace

SECOND_MS = 1_000
MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000

# The group takes the partitions of a worker that is silent for this long.
SESSION_MS = 6_000
PARTITIONS = 4
SWEEP_INTERVAL_S = 2.0
TRIM_INTERVAL_S = 20.0
# Workers that run unless the storm has taken one away, and those that join and leave.
RESIDENTS = ("one", "two")
GUESTS = ("three",)
# The same in rounds.
ROUND_RESIDENTS = ("one", "two", "three")
ROUND_GUESTS = ("four",)


@dataclass(frozen=True)
class Pace:
    """The mean time between two actions of a kind; 0 for never."""

    kill_s: float = 8.0
    freeze_s: float = 40.0
    broker_kill_s: float = 75.0
    guest_s: float = 20.0
    change_s: float = 10.0
    part_kill_s: float = 15.0


@dataclass(frozen=True)
class Hostilities:
    """What is on. Rates are shares of the events, or events per second."""

    pace: Pace = Pace()
    rate: float = 150.0
    # Instead of a rate and gusts: so many events more than the group has taken, all the time,
    # unless so many frames of contributions wait in each partition.
    ahead: int = 0
    frames_ahead: int = 0
    visitors: int = 2_500
    session_ms: int = SESSION_MS
    # Now and then so many at once, so that work is waiting.
    gust: int = 3_000
    gust_every_s: float = 14.0
    # Kills that wait until the worker serves; others meet it in a takeover or before that.
    serving: float = 0.7
    # Kills that come when a worker has done a step of a flush, and those that find no data left.
    in_flush: float = 0.5
    wiped: float = 0.25
    malformed: float = 0.003
    # Batches of 100 to 500 events produced again, in order or reversed, up to so much later.
    resend_every_s: float = 6.0
    resend_after_max_s: float = 150.0
    # Events that wait on their device, and for how long at most.
    late: float = 0.03
    late_max_ms: int = 5 * HOUR_MS
    # Collectors whose clocks are constantly wrong; events minutes to days ahead or hours behind.
    skewed_collectors: bool = True
    wild_clocks: float = 0.01


# What a storm does unless told otherwise: all of it.
ON = Hostilities()
# Rounds choose their moments themselves. Workers are behind all the time; there are more visitors,
# since the naive model looks at all events of a visitor at each event.
# A machine at full load keeps a worker waiting for seconds: its session is as long as by default.
ROUNDS = Hostilities(
    Pace(0, 0, 0, 0, 0, 0), ahead=15_000, frames_ahead=40, visitors=50_000, session_ms=10_000
)


def shortened(seconds: float, hostilities: Hostilities = ON) -> Hostilities:
    """Hostilities for a short storm: each kind of action still comes."""
    if seconds >= 150:
        return hostilities
    share = seconds / 180
    pace = Pace(
        kill_s=max(5.0, 8.0 * share),
        freeze_s=max(14.0, 40.0 * share),
        broker_kill_s=max(40.0, 75.0 * share),
        guest_s=max(10.0, 20.0 * share),
        change_s=max(5.0, 10.0 * share),
        part_kill_s=max(6.0, 15.0 * share),
    )
    return replace(hostilities, pace=pace)
