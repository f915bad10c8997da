"""Entries as one value."""

from __future__ import annotations

from lictor_core.entries.defaults import ServiceDefaults
from lictor_core.entries.routing import Resolver
from tests.core.entries.build import entries, entry


def test_names_ignore_case_and_kinds_do_not_mix() -> None:
    found = entries(entry("service-defaults", "Web"))
    assert found.find(ServiceDefaults, "wEB") is not None
    assert found.find(Resolver, "web") is None


def test_another_set_leaves_the_first_one_as_it_is() -> None:
    first = entries(entry("service-defaults", "web"))
    second = first.with_entry(entry("service-defaults", "db"))
    third = second.without("service-defaults", "WEB")
    assert [one.name for one in first.all(ServiceDefaults)] == ["web"]
    assert [one.name for one in second.all(ServiceDefaults)] == ["db", "web"]
    assert [one.name for one in third.all(ServiceDefaults)] == ["db"]


def test_a_protocol_is_the_service_s_own_else_that_of_all_else_tcp() -> None:
    assert entries().protocol("web") == "tcp"
    everyone = entry("proxy-defaults", "global", {"Config": {"protocol": "HTTP"}})
    assert entries(everyone).protocol("web") == "http"
    assert entries(everyone, entry("service-defaults", "web", {"Protocol": "grpc"})).protocol("web") == "grpc"
    assert entries(everyone, entry("service-defaults", "web")).protocol("web") == "http"
