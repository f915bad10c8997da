"""Sections by their fields."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from lictor_config.fields import read_fields, read_section
from lictor_config.keys import KeyKind, keys_of
from lictor_config.reading import Reader
from lictor_config.sections import (
    Cache,
    Gossip,
    Http,
    Limits,
    Membership,
    RequestLimits,
    Telemetry,
    Tokens,
    UnixSockets,
)
from lictor_config.tree import Autopilot, Connect, Dns, Performance, Ports, SoaTimes


@dataclass(frozen=True, kw_only=True)
class Partly:
    """As `Performance`, with a field that is no key and one that the reader shall leave alone."""

    raft_multiplier: int = 0
    leave_drain_time_s: float = 5.0
    of_another_place: str = "kept"


@dataclass(frozen=True, kw_only=True)
class Headers:
    """A part of `Http`."""

    response_headers: dict[str, str] = field(default_factory=dict[str, str])
    block_endpoints: tuple[str, ...] = ()


def test_a_field_has_the_value_of_the_key_of_its_name() -> None:
    reader = Reader({"performance": {"raft_multiplier": 3, "leave_drain_time": "2s"}})
    assert read_section(reader, "performance", Partly()) == Partly(raft_multiplier=3, leave_drain_time_s=2.0)
    assert reader.problems == []


def test_what_is_not_given_stays_as_it_is() -> None:
    base = Headers(response_headers={"X-Name": "y"}, block_endpoints=("/v1/x",))
    assert read_section(Reader({"http_config": {}}), "http_config", base) == base
    assert read_section(Reader({}), "http_config", base) is base


def test_every_kind_of_value_is_read_or_stays_as_it_is() -> None:
    given = {"ca_config": {"LeafCertTTL": "1h"}, "ca_provider": "x", "enabled": False}
    base = Connect(ca_config={"a": 1})
    assert read_section(Reader({"connect": given}), "connect", base) == Connect(
        ca_config={"LeafCertTTL": "1h"}, ca_provider="x", enabled=False
    )
    assert read_section(Reader({"connect": {}}), "connect", base) == base
    limits = read_section(Reader({"limits": {"rpc_rate": 2.5, "rpc_max_burst": 3}}), "limits", Limits())
    assert limits == Limits(rpc_rate=2.5, rpc_max_burst=3)
    dns = Dns(service_ttl_s={"*": 1.0})
    assert read_section(Reader({"dns_config": {}}), "dns_config", dns) == dns
    read = read_section(Reader({"dns_config": {"service_ttl": {"a": "2s"}}}), "dns_config", dns)
    assert read.service_ttl_s == {"a": 2.0}


def test_a_field_may_be_left_alone() -> None:
    reader = Reader({"raft_multiplier": 3, "leave_drain_time": "2s"})
    found = read_fields(reader, "performance", Partly(), but={"raft_multiplier"})
    assert found == Partly(leave_drain_time_s=2.0)
    assert not reader.asked("raft_multiplier")


def test_a_key_without_a_field_is_checked_for_its_type() -> None:
    reader = Reader({"performance": {"rpc_hold_timeout": 7}})
    read_section(reader, "performance", Partly())
    assert [str(one) for one in reader.problems] == [
        "performance.rpc_hold_timeout: must be a duration such as 10s, not the number 7"
    ]


@pytest.mark.parametrize(
    ("section", "kind", "others"),
    [
        ("acl.tokens", Tokens, set[str]()),
        ("autopilot", Autopilot, set[str]()),
        ("cache", Cache, set[str]()),
        ("connect", Connect, set[str]()),
        ("dns_config.soa", SoaTimes, set[str]()),
        ("gossip_lan", Gossip, set[str]()),
        ("http_config", Http, set[str]()),
        ("limits", Limits, {"request_limits"}),
        ("limits.request_limits", RequestLimits, set[str]()),
        ("membership", Membership, set[str]()),
        ("performance", Performance, {"raft_trailing_logs"}),
        ("ports", Ports, set[str]()),
        ("telemetry", Telemetry, set[str]()),
        ("unix_sockets", UnixSockets, set[str]()),
    ],
)
def test_every_field_of_a_section_has_a_key(section: str, kind: type, others: set[str]) -> None:
    named = {one.removesuffix("_s") for one in kind.__annotations__}
    keys = {name for name, spec in keys_of(section).items() if spec.kind is not KeyKind.SECTION}
    assert named - keys == others
