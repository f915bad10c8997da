"""What questions cost, added up by the pass."""

from __future__ import annotations

from lictor_core.clock import SeededRng
from lictor_core.metrics import Aggregate
from lictor_dns.cache import AnswerCache
from lictor_dns.settings import DnsSettings
from lictor_dns.spent import Spent
from tests.support.catalog import PlainCatalog
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
