"""Settings: Consul's defaults, patterns of services, values that cannot be served."""

import pytest

from lictor_core.errors import ConfigurationError
from lictor_dns import DnsSettings, SoaSettings
from lictor_dns.names import Zone


def test_defaults_are_consuls() -> None:
    settings = DnsSettings()
    settings.check()
    assert settings.zone() == Zone((b"consul",), None, "dc1")
    assert (settings.node_ttl_s, settings.service_ttl_s("web"), settings.udp_answer_limit) == (0, 0, 3)
    assert settings.soa == SoaSettings(refresh_s=3600, retry_s=600, expire_s=86400, min_ttl_s=0)
    assert settings.node_meta_txt
    assert not settings.only_passing
    assert not settings.enable_truncate


@pytest.mark.parametrize(
    ("service", "seconds"), [("web", 9), ("WEB", 9), ("bigger", 11), ("bat", 12), ("web2", 5), ("", 5)]
)
def test_an_exact_name_wins_then_the_longest_start(service: str, seconds: int) -> None:
    settings = DnsSettings(service_ttls_s={"*": 5, "Web": 9, "big*": 11, "b*": 12})
    assert settings.service_ttl_s(service) == seconds


def test_no_pattern_no_time_to_live() -> None:
    assert DnsSettings(service_ttls_s={"web": 9}).service_ttl_s("db") == 0


@pytest.mark.parametrize(
    "settings",
    [
        DnsSettings(recursors=("dns.example.com",)),
        DnsSettings(recursors=("192.0.2.1:99999",)),
        DnsSettings(recursors=("0.0.0.0",)),
        DnsSettings(recursor_timeout_s=0.0),
        DnsSettings(domain=""),
        DnsSettings(alt_domain="a..b"),
        DnsSettings(node_ttl_s=-1),
        DnsSettings(service_ttls_s={"*": 2**31}),
        DnsSettings(soa=SoaSettings(refresh_s=2**32)),
        DnsSettings(soa=SoaSettings(min_ttl_s=-1)),
        DnsSettings(udp_answer_limit=-1),
        DnsSettings(a_record_limit=-1),
        DnsSettings(cache_entries_max=0),
        DnsSettings(tcp_connections_max=0),
        DnsSettings(tcp_idle_s=0.0),
    ],
)
def test_values_that_cannot_be_served_are_refused(settings: DnsSettings) -> None:
    with pytest.raises(ConfigurationError):
        settings.check()


def test_domains_are_names_without_case_or_final_dot() -> None:
    zone = DnsSettings(domain="Mesh.Example.", alt_domain="ALT.test", datacenter="DC1").zone()
    assert zone == Zone((b"mesh", b"example"), (b"alt", b"test"), "dc1")


@pytest.mark.parametrize(
    ("settings", "seconds"),
    [
        (DnsSettings(), 87600 * 3600.0),
        (DnsSettings(max_stale_s=30.0), 30.0),
        (DnsSettings(max_stale_s=30.0, allow_stale=False), 2.5),
        (DnsSettings(max_stale_s=0.0), 2.5),
        (DnsSettings(max_stale_s=-1.0), 2.5),
        (DnsSettings(max_stale_s=30.0, cache_max_age_s=10.0), 30.0),
        (DnsSettings(max_stale_s=30.0, cache_max_age_s=10.0, use_cache=True), 10.0),
        (DnsSettings(max_stale_s=30.0, cache_max_age_s=10.0, use_cache=True, allow_stale=False), 10.0),
        (DnsSettings(max_stale_s=30.0, use_cache=True), 30.0),
        (DnsSettings(max_stale_s=5.0, cache_max_age_s=10.0, use_cache=True), 5.0),
    ],
)
def test_what_is_current_is_answered_from_and_what_is_older_as_allowed(settings: DnsSettings, seconds: float) -> None:
    assert settings.age_s_max == seconds


def test_recursors_have_the_port_of_dns_and_stand_once() -> None:
    settings = DnsSettings(
        recursors=("192.0.2.1", "192.0.2.1:53", "[2001:db8::1]:5353", "2001:db8::1", "[2001:db8::2]")
    )
    assert settings.recursor_addresses() == (
        ("192.0.2.1", 53),
        ("2001:db8::1", 5353),
        ("2001:db8::1", 53),
        ("2001:db8::2", 53),
    )
