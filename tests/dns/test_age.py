"""How old the picture is, told in answers when that is wanted."""

from __future__ import annotations

import pytest

from lictor_dns.answer import Record, Text
from lictor_dns.settings import DnsSettings
from tests.dns.asking import ask
from tests.support.catalog import PlainCatalog, make_instance, make_node, make_service

TOLD = DnsSettings(enable_age_txt=True, max_stale_s=60.0)


def catalog() -> PlainCatalog:
    return PlainCatalog([make_instance(make_service(), make_node("n1", "10.0.0.1"))])


def strings(record: Record) -> list[str]:
    assert isinstance(record.data, Text)
    return [one.decode() for one in record.data.strings]


def test_an_answer_tells_the_age_the_bound_and_the_index_last_of_all() -> None:
    view = catalog()
    view.age_s = 12.3
    answer = ask(view, "web.service.consul", settings=TOLD)
    told = answer.additional[-1]
    assert told.name == (b"age", b"lictor", b"consul")
    assert strings(told) == ["age_s=12", "age_s_max=60", f"index={view.version}"]
    assert answer.this_second, "the age is of this second"


def test_nothing_is_told_unless_it_is_wanted() -> None:
    assert ask(catalog(), "web.service.consul").additional == ()


@pytest.mark.parametrize("name", ["nobody.service.consul", "10.in-addr.arpa", "nowhere.consul"])
def test_answers_without_records_tell_it_too(name: str) -> None:
    assert strings(ask(catalog(), name, settings=TOLD).additional[-1])[0] == "age_s=0"


def test_an_answer_that_fails_for_age_tells_why() -> None:
    view = catalog()
    view.age_s = float("inf")
    assert strings(ask(view, "web.service.consul", settings=TOLD).additional[-1])[:2] == [
        "age_s=unknown",
        "age_s_max=60",
    ]


def test_what_is_not_ours_stays_as_it_is() -> None:
    assert ask(catalog(), "example.com", settings=TOLD).additional == ()
