"""What questions cost, added up by the pass."""

from __future__ import annotations

from lictor_core.clock import SeededRng
from lictor_core.metrics import Aggregate
from lictor_dns.cache import AnswerCache
from lictor_dns.settings import DnsSettings
from lictor_dns.spent import Spent
from tests.dns.asking import query
from tests.support.catalog import PlainCatalog, make_node
from tests.support.clock import ManualClock


def test_each_question_counts_as_the_mean_once() -> None:
    spent, told = Spent(), Aggregate()
    spent.count, spent.seconds = 4, 0.002
    spent.tell(told)
    assert (told.count, told.sum, told.min, told.max) == (4, 2.0, 0.5, 0.5)
    spent.tell(told)
    assert told.count == 4


def test_a_pass_takes_from_its_refresh_to_its_end() -> None:
    clock = ManualClock()
    cache = AnswerCache(
        PlainCatalog([]), DnsSettings(), clock, SeededRng(1), lambda _refusal, _client: None, is_udp=True
    )
    for count, seconds in ((3, 0.25), (2, 0.5)):
        cache.refresh()
        clock.advance(seconds)
        cache.passed(count)
    assert (cache.spent.count, cache.spent.seconds) == (5, 0.75)


def test_questions_who_has_an_address_are_counted_apart_each_time() -> None:
    clock = ManualClock()
    cache = AnswerCache(
        PlainCatalog([], [make_node("n1", "10.0.0.1")]),
        DnsSettings(),
        clock,
        SeededRng(1),
        lambda _refusal, _client: None,
        is_udp=True,
    )
    for _ in range(3):
        cache.refresh()
        for name, kind in (("1.0.0.10.In-Addr.ARPA", "PTR"), ("n1.node.consul", "A"), ("2.0.0.10.in-addr.arpa", "PTR")):
            assert cache.reply(query(name, kind)[2:], "client") is not None
        clock.advance(0.3)
        cache.passed(3)
    assert (cache.spent.count, cache.spent_on_reverse.count) == (3, 6)
    assert abs(cache.spent.seconds - 0.3) < 1e-9
    assert abs(cache.spent_on_reverse.seconds - 0.6) < 1e-9
    assert cache.made_count == 3, "they are kept all the same"


def test_questions_that_come_while_the_picture_is_old_are_counted() -> None:
    catalog = PlainCatalog([])
    cache = AnswerCache(
        catalog, DnsSettings(), ManualClock(), SeededRng(1), lambda _refusal, _client: None, is_udp=True
    )
    for age_s in (0.0, 5.0, 5.1, 60.0, 0.0):
        catalog.age_s = age_s
        cache.refresh()
        cache.passed(2)
    assert cache.stale_count == 4
