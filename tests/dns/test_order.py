"""Order: fair over few answers, random beyond the first."""

import ipaddress
from collections import Counter

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from lictor_core.clock import SeededRng
from lictor_dns.answer import Address, Answer, Record, RecordType, Result, Target, Text
from lictor_dns.order import is_reorderable, reordered, shuffled
from tests.dns.asking import name

WEB = name("web.service.consul")


@given(items=st.lists(st.integers()), turn=st.integers(0, 10_000), seed=st.integers())
def test_an_order_has_the_same_items(items: list[int], turn: int, seed: int) -> None:
    assert Counter(shuffled(items, SeededRng(seed), turn)) == Counter(items)


@given(count=st.integers(1, 50), start=st.integers(0, 10_000))
def test_over_as_many_turns_as_items_each_is_first_once(count: int, start: int) -> None:
    rng = SeededRng(1)
    firsts = [shuffled(range(count), rng, start + turn)[0] for turn in range(count)]
    assert sorted(firsts) == list(range(count))


@given(items=st.lists(st.integers()), turn=st.integers(0, 10_000), depth=st.integers(0, 60), seed=st.integers())
def test_an_order_of_few_has_the_same_items_and_first(items: list[int], turn: int, depth: int, seed: int) -> None:
    order = shuffled(items, SeededRng(seed), turn, depth=depth)
    assert Counter(order) == Counter(items)
    assert order[:1] == shuffled(items, SeededRng(seed), turn)[:1]


def test_in_an_order_of_few_every_item_gets_every_place_as_often() -> None:
    rng = SeededRng(1)
    orders = [shuffled(range(20), rng, 0, depth=3) for _ in range(4000)]
    for place in (1, 2, 3):
        counts = Counter(order[place] for order in orders)
        assert set(counts) == set(range(1, 20))
        assert max(counts.values()) < 2 * min(counts.values())


def test_what_follows_the_first_varies() -> None:
    rng = SeededRng(1)
    assert len({tuple(shuffled(range(5), rng, 0)) for _ in range(200)}) == 24


def test_the_items_given_stay_as_they_were() -> None:
    items = [1, 2, 3]
    shuffled(items, SeededRng(1), 1)
    assert items == [1, 2, 3]


def found(count: int, *, turns: int | None = None) -> Answer:
    return Answer(
        result=Result.FOUND,
        answers=tuple(
            Record(WEB, RecordType.A, 0, Address(ipaddress.ip_address(0x0A000000 + number))) for number in range(count)
        ),
        attached=tuple((Record(WEB, RecordType.TXT, 0, Text((str(number).encode(),))),) for number in range(count)),
        turns=count if turns is None else turns,
        interchangeable=True,
    )


@given(count=st.integers(1, 20), turn=st.integers(0, 1000))
def test_another_order_of_an_answer_has_the_same_records_each_with_its_own_besides(count: int, turn: int) -> None:
    first = found(count)
    another = reordered(first, SeededRng(turn), turn)
    assert another.answers[0] == first.answers[turn % count]
    pairs = set(zip(first.answers, first.attached, strict=True))
    assert set(zip(another.answers, another.attached, strict=True)) == pairs
    assert len(another.answers) == count


def test_an_answer_that_does_not_show_every_instance_has_to_be_looked_for() -> None:
    assert is_reorderable(found(3))
    assert not is_reorderable(found(3, turns=4))


def test_a_host_name_stays_before_what_is_behind_it() -> None:
    link = Record(WEB, RecordType.CNAME, 0, Target(name("db.service.consul")))
    plain = found(1).answers
    chain = Answer(result=Result.FOUND, answers=(link, *plain), turns=2, interchangeable=True)
    assert not is_reorderable(chain)


def test_what_is_not_interchangeable_keeps_its_order() -> None:
    first = Answer(result=Result.FOUND, answers=found(2).answers, turns=2)
    assert not is_reorderable(first)


def test_what_is_nearer_keeps_its_place() -> None:
    assert not is_reorderable(msgspec.structs.replace(found(2), ranked=True))
