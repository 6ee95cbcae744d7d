from processor.engine.profile import Profile, empty_head, forget_ids, has_counted, remember


def test_a_hash_is_found_at_its_own_place_alone():
    head = empty_head()
    remember(head, b"aaaabbbb", 5, ids=9, floor_ms=0)
    remember(head, b"ccccdddd", 6, ids=9, floor_ms=0)
    assert has_counted(head, b"ccccdddd", 5)
    assert not has_counted(head, b"bbbbcccc", 0)


def test_of_two_equal_hashes_either_is_enough():
    head = empty_head()
    remember(head, b"aaaabbbb", 5, ids=9, floor_ms=0)
    remember(head, b"aaaabbbb", 90, ids=9, floor_ms=0)
    assert has_counted(head, b"aaaabbbb", 80)
    assert not has_counted(head, b"aaaabbbb", 90)


def test_old_ids_leave_from_the_front():
    head = empty_head()
    for number in range(10):
        remember(head, bytes([number]) * 8, number, ids=9, floor_ms=number - 3)
    assert len(head.id_hashes) == len(head.id_times) == 3 * 8


def test_more_ids_than_allowed_leave_at_once():
    head = empty_head()
    for number in range(10):
        remember(head, bytes([number]) * 8, number, ids=9, floor_ms=0)
    remember(head, b"x" * 8, 10, ids=2, floor_ms=0)
    assert head.id_hashes == bytes([9]) * 8 + b"x" * 8


def test_ids_are_forgotten_all_or_not_at_all():
    head = empty_head()
    remember(head, b"a" * 8, 5, ids=9, floor_ms=0)
    remember(head, b"b" * 8, 6, ids=9, floor_ms=0)
    forget_ids(head, 5)
    assert len(head.id_hashes) == 16
    forget_ids(head, 6)
    assert head.id_hashes == head.id_times == b""


def test_a_new_profile_is_empty():
    assert Profile().empty
