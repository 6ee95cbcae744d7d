import pytest

from processor.api.http.admission import Admission, Place

FILES = 10_000


def admission(most: int = 4, per_owner: int = 0, proxies: tuple[str, ...] = ()) -> Admission:
    return Admission(most, per_owner, lambda address: address in proxies, FILES)


class Standing:
    """A connection: a place, and whether it was closed."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.closed = False
        place.close = self._close
        place.idle()

    def _close(self) -> None:
        self.closed = True


def connect(made: Admission, address: str = "10.0.0.1", file: int = 20) -> Standing | None:
    place = made.admit(address, file)
    return None if place is None else Standing(place)


def test_the_one_that_waits_for_the_longest_makes_room() -> None:
    made = admission(most=3)
    first, second, third = (connect(made) for _ in range(3))
    first.place.busy()
    assert connect(made) is not None
    assert [one.closed for one in (first, second, third)] == [False, True, False]
    first.place.idle()  # it has waited for the shortest time now
    assert connect(made) is not None
    assert [one.closed for one in (first, third)] == [False, True]


def test_where_all_work_the_next_one_is_refused() -> None:
    made = admission(most=3)
    standing = [connect(made) for _ in range(3)]
    for one in standing:
        one.place.busy()
    assert connect(made) is None
    assert not any(one.closed for one in standing)
    standing[1].place.leave()
    standing[1].place.leave()
    assert connect(made) is not None
    assert connect(made) is not None  # that one waits: it makes room


@pytest.mark.parametrize(
    "addresses",
    [["10.0.0.1"] * 4, [f"2001:db8:1:2::{number}" for number in range(4)]],
    ids=["one address", "one site"],
)
def test_one_address_has_its_own_bound(addresses: list[str]) -> None:
    made = admission(most=100, per_owner=3)
    standing = [connect(made, address) for address in addresses[:3]]
    other = connect(made, "192.0.2.1")
    assert connect(made, addresses[3]) is not None
    assert [one.closed for one in standing] == [True, False, False]
    assert not other.closed
    for one in standing[1:]:
        one.place.busy()
    standing.extend(connect(made, addresses[0]) for _ in range(3))
    standing[-1].place.busy()
    assert connect(made, addresses[0]) is None
    assert connect(made, "192.0.2.1") is not None


def test_a_trusted_proxy_has_only_the_bound_of_all() -> None:
    made = admission(most=5, per_owner=1, proxies=("10.0.0.1",))
    assert all(connect(made) for _ in range(5))


def test_files_that_others_have_opened_count() -> None:
    made = admission(most=FILES)
    one = connect(made)
    assert connect(made, file=FILES - 1) is None
    assert one.closed
    assert connect(made, file=FILES // 2) is not None


def test_places_of_those_who_left_are_forgotten() -> None:
    made = admission(most=2, per_owner=2)
    for number in range(1_000):
        one = connect(made, f"10.1.{number // 256}.{number % 256}")
        if number % 2:
            one.place.busy()
        one.place.leave()
    assert not made._places
    assert not made._by_owner
    assert not made._idle
    assert not made._idle_of
