"""Limits on requests."""

from lictor_connect_proxy.xds.builders.rates import instance_rates, rate_of
from lictor_core.entries.traffic import InstanceRate, RequestRate


def test_a_burst_is_as_large_as_a_second_unless_said_otherwise() -> None:
    assert "'max_tokens': 5, 'tokens_per_fill': 5" in str(rate_of(RequestRate(requests_per_second=5)))
    bursting = RequestRate(requests_per_second=5, requests_max_burst=9)
    assert "'max_tokens': 9, 'tokens_per_fill': 5" in str(rate_of(bursting))


def test_no_rate_is_no_limit() -> None:
    assert rate_of(RequestRate()) is None


def test_limits_that_cannot_be_read_are_none() -> None:
    assert instance_rates({"rate_limits": {"InstanceLevel": 5}}) == InstanceRate()
    assert instance_rates({}) == InstanceRate()
