"""What is counted, bounded in labels."""

from lictor_connect_proxy.layers.tally import LABELS_MAX, OTHERS, Counted, Tally


def test_labels_are_counted_apart_and_kinds_as_well() -> None:
    tally = Tally()
    for _ in range(2):
        tally.add(Counted.DENIED, "web->db")
    tally.add(Counted.DENIED, "default")
    tally.add(Counted.LIMITED, "default", 3)
    assert tally.of(Counted.DENIED) == {"web->db": 2, "default": 1}
    assert tally.of(Counted.LIMITED) == {"default": 3}
    assert tally.of(Counted.REVOKED) == {}


def test_labels_beyond_the_bound_count_together_and_none_is_lost() -> None:
    tally = Tally()
    for number in range(LABELS_MAX + 50):
        tally.add(Counted.DENIED, f"web-{number}->db")
    tally.add(Counted.DENIED, "web-0->db")
    counts = tally.of(Counted.DENIED)
    assert len(counts) == LABELS_MAX + 1
    assert counts[OTHERS] == 50
    assert counts["web-0->db"] == 2
