"""What two answers over DNS may differ in: every byte counts where none is left to chance, order or a clock."""

import pytest

from tests.support.recorder.comparison import compare
from tests.support.recorder.dns_scenario import DnsScenario, Question
from tests.support.recorder.json_types import Json
from tests.support.recorder.verdict import dns_allowances_for

_ONE = "web.service.consul. 0 IN A 192.0.2.1"
_OTHER = "web.service.consul. 0 IN A 192.0.2.2"
_SOA = "consul. 0 IN SOA ns.consul. hostmaster.consul. <serial> 3600 600 86400 0"


def _exchange(answer: list[str], wire: str, *, authority: tuple[str, ...] = (), size: int = 52) -> Json:
    sections: dict[str, Json] = {"answer": list[Json](answer), "authority": list[Json](authority), "additional": []}
    return {"step": "s", "request": {}, "response": {**sections, "bytes": size, "wire": wire}}


def _paths(expected: Json, got: Json, **differs: str) -> list[str]:
    scenario = DnsScenario("area", "about", (), (Question("s", differs=differs),))
    return [one.path for one in compare([expected], [got], dns_allowances_for(scenario, [expected]))]


def test_one_record_is_compared_byte_by_byte() -> None:
    assert _paths(_exchange([_ONE], "aa"), _exchange([_ONE], "ab")) == ["wire"]


@pytest.mark.parametrize("expected", [_exchange([_ONE, _OTHER], "aa"), _exchange([], "aa", authority=(_SOA,))])
def test_order_and_time_are_not_compared_but_lengths_are(expected: Json) -> None:
    assert isinstance(expected, dict)
    response = expected["response"]
    assert isinstance(response, dict)
    got: Json = {**expected, "response": {**response, "wire": "ab"}}
    assert _paths(expected, got) == []
    longer: Json = {**expected, "response": {**response, "bytes": 53}}
    assert _paths(expected, longer) == ["bytes"]


def test_a_declared_difference_makes_other_bytes() -> None:
    assert _paths(_exchange([_ONE], "aa"), _exchange([_OTHER], "abc", size=53), answer="why") == []
