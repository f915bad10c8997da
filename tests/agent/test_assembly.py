"""From the configuration to the settings of each room."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lictor_agent import assembly
from lictor_agent.auto_encrypt import AgentCertificate
from lictor_agent.checks.tls import CheckTls
from lictor_agent.http.listening import TcpAddress, UnixAddress
from lictor_agent.http.settings import HttpSettings, HttpsSettings
from lictor_agent.http.unix_sockets import SocketOwner
from lictor_agent.registrar import ScriptPolicy
from lictor_agent.settings import AgentSettings
from lictor_config.presets import DEV
from lictor_config.sections import Http, UnixSockets
from lictor_config.tree import (
    Acl,
    Addresses,
    AutoEncrypt,
    Autopilot,
    Configuration,
    Dns,
    DoorTls,
    Join,
    Limits,
    Ports,
    Tls,
)
from lictor_core.autopilot import AutopilotConfiguration
from lictor_dns import DnsSettings
from lictor_server import PemPair, TlsSettings
from tests.agent.builders import NODE_ID


def _dev(**changes: object) -> Configuration:
    named = {"node_name": "judge", "advertise_addr": "127.0.0.1", **changes}
    return replace(DEV, **named)  # type: ignore[arg-type]  # a test names fields that exist


def test_the_defaults_of_both_sides_agree() -> None:
    production = replace(_dev(), dev=False)
    assert assembly.dns_settings(production) == DnsSettings(domain="consul", node_name=production.node_name)
    assert assembly.http_settings(production) == HttpSettings()
    assert assembly.agent_settings(production) == AgentSettings()


def test_scripts_are_allowed_as_configured() -> None:
    assert assembly.agent_settings(_dev(enable_script_checks=True)).scripts == ScriptPolicy(True, True)
    assert assembly.agent_settings(_dev(enable_local_script_checks=True)).scripts == ScriptPolicy(True, False)


def test_the_default_policy_counts_only_with_acls() -> None:
    denying = _dev(acl=Acl(enabled=True, default_policy="deny"))
    assert not assembly.agent_settings(denying).default_allow
    assert assembly.agent_settings(_dev(acl=Acl(default_policy="deny"))).default_allow


def test_sidecar_ports_include_the_last() -> None:
    ports = Ports(sidecar_min_port=5, sidecar_max_port=6)
    assert list(assembly.agent_settings(_dev(ports=ports)).sidecar_ports) == [5, 6]


def test_checks_use_the_agents_own_material_only_where_that_is_wanted() -> None:
    tls = Tls(internal_rpc=DoorTls(ca_file="ca.pem", cert_file="cert.pem", key_file="key.pem"))
    assert assembly.agent_settings(_dev(tls=tls)).check_tls is None
    settings = assembly.agent_settings(_dev(tls=tls, enable_agent_tls_for_checks=True))
    assert settings.check_tls == CheckTls(ca_file="ca.pem", cert_file="cert.pem", key_file="key.pem")


def test_checks_find_proxies_in_the_environment_of_the_process() -> None:
    assert assembly.agent_settings(_dev(), {"HTTP_PROXY": "here"}).environment == {"HTTP_PROXY": "here"}


def test_critical_instances_are_looked_at_as_configured() -> None:
    given = _dev(check_deregister_interval_min_s=5.0, check_reap_interval_s=2.0)
    settings = assembly.agent_settings(given)
    assert (settings.critical_s_min, settings.reap_every_s) == (5.0, 2.0)


def test_that_addresses_are_translated_is_told_in_a_header() -> None:
    headers = {"X-A": "b"}
    configuration = Configuration(translate_wan_addrs=True, http=Http(response_headers=headers))
    assert assembly.http_settings(configuration).response_headers == (
        ("X-Consul-Translate-Addresses", "true"),
        ("X-A", "b"),
    )


def test_times_and_limits_arrive() -> None:
    given = Dns(
        node_ttl_s=5.0,
        service_ttl_s={"web": 7.0},
        udp_answer_limit=9,
        allow_stale=False,
        max_stale_s=3.5,
        use_cache=True,
        cache_max_age_s=8.0,
        enable_age_txt=True,
        cache_entries_max=10,
        tcp_connections_max=11,
        tcp_connections_per_client_max=13,
        tcp_idle_timeout_s=12.0,
    )
    dns = assembly.dns_settings(_dev(dns=given))
    assert (dns.allow_stale, dns.use_cache, dns.cache_max_age_s, dns.enable_age_txt) == (False, True, 8.0, True)
    assert (dns.cache_entries_max, dns.tcp_connections_max, dns.tcp_idle_s) == (10, 11, 12.0)
    assert dns.tcp_connections_per_client_max == 13
    assert (dns.node_ttl_s, dns.service_ttls_s, dns.udp_answer_limit, dns.max_stale_s) == (5, {"web": 7}, 9, 3.5)
    given = Dns(recursors=("192.0.2.1",), recursor_timeout_s=0.5)
    dns = assembly.dns_settings(_dev(dns=given))
    assert (dns.recursors, dns.recursor_timeout_s) == (("192.0.2.1",), 0.5)
    dns = assembly.dns_settings(_dev(dns=Dns(node_ttl_s=1.9, service_ttl_s={"*": 2.7})))
    assert (dns.node_ttl_s, dns.service_ttls_s) == (1, {"*": 2}), "Consul cuts what is not a whole second"
    # As in Consul, no time at all stands for the usual one.
    assert assembly.dns_settings(_dev(dns=Dns(recursor_timeout_s=0.0))).recursor_timeout_s == 2.0
    http = assembly.http_settings(
        _dev(limits=Limits(http_max_conns_per_client=3, kv_max_value_size=4, txn_max_req_len=5))
    )
    assert (http.connections_per_client_max, http.kv_value_bytes_max, http.txn_bytes_max) == (3, 4, 5)


def test_limits_of_the_server_port_arrive_at_the_server() -> None:
    given = assembly.server_settings(
        _dev(limits=Limits(rpc_max_conns_per_client=7, rpc_handshake_timeout_s=1.5)), NODE_ID
    )
    assert (given.rpc_per_client_max, given.rpc_handshake_max_s) == (7, 1.5)
    endless = assembly.server_settings(_dev(limits=Limits(rpc_handshake_timeout_s=0)), NODE_ID)
    assert endless.rpc_handshake_max_s >= 3600, "0 is without bound, as in Consul"


def test_autopilot_arrives_at_the_server_whole() -> None:
    assert assembly.server_settings(_dev(), NODE_ID).autopilot == AutopilotConfiguration()
    given = Autopilot(
        cleanup_dead_servers=False,
        last_contact_threshold_s=1.5,
        max_trailing_logs=9,
        min_quorum=3,
        server_stabilization_time_s=90.0,
        redundancy_zone_tag="zone",
        disable_upgrade_migration=True,
        upgrade_version_tag="build",
    )
    assert assembly.server_settings(_dev(autopilot=given), NODE_ID).autopilot == AutopilotConfiguration(
        cleanup_dead_servers=False,
        last_contact_threshold="1.5s",
        max_trailing_logs=9,
        min_quorum=3,
        server_stabilization_time="1m30s",
        redundancy_zone_tag="zone",
        disable_upgrade_migration=True,
        upgrade_version_tag="build",
    )


def test_certificates_and_what_they_must_prove_arrive() -> None:
    assert assembly.server_settings(_dev(), NODE_ID).tls is None
    door = DoorTls(
        ca_file="ca",
        ca_path="path",
        cert_file="cert",
        key_file="key",
        verify_incoming=True,
        verify_outgoing=True,
        verify_server_hostname=True,
        min_version="tls12",
        cipher_suites="X",
    )
    tls = Tls(internal_rpc=door, https=DoorTls(cert_file="another"))
    assert assembly.server_settings(_dev(tls=tls, datacenter="dc2", domain="judge"), NODE_ID).tls == TlsSettings(
        ca_file="ca",
        ca_path="path",
        cert_file="cert",
        key_file="key",
        verify_incoming_rpc=True,
        verify_outgoing=True,
        verify_server_hostname=True,
        min_version="tls12",
        cipher_suites="X",
        datacenter="dc2",
        domain="judge",
    )


def test_a_listener_that_is_off_has_no_address() -> None:
    addresses = Addresses(http=("127.0.0.1", "unix:///run/x"), dns=("127.0.0.1",), grpc=("127.0.0.1",))
    on = _dev(addresses=addresses, ports=Ports(grpc=8502))
    assert assembly.http_addresses(on) == [TcpAddress("127.0.0.1", 8500), UnixAddress("/run/x")]
    assert (assembly.dns_addresses(on), assembly.grpc_addresses(on)) == ([("127.0.0.1", 8600)], [("127.0.0.1", 8502)])
    off = _dev(addresses=addresses, ports=Ports(http=-1, dns=-1, grpc=-1))
    assert assembly.http_addresses(off) == [UnixAddress("/run/x")]
    assert (assembly.dns_addresses(off), assembly.grpc_addresses(off)) == ([], [])


def test_the_identity_carries_what_the_node_is_told() -> None:
    identity = assembly.identity(_dev(node_meta={"rack": "7"}, advertise_addr_wan="203.0.113.1"), NODE_ID)
    node = identity.node()
    assert node.meta == {"rack": "7", "consul-network-segment": ""}
    assert (node.tagged_addresses or {})["wan"] == "203.0.113.1"
    tagged = assembly.identity(_dev(tagged_addresses={"site": "192.0.2.4"}), NODE_ID).node().tagged_addresses
    assert (tagged or {})["site"] == "192.0.2.4"
    families = _dev(
        advertise_addr_ipv4="192.0.2.1",
        advertise_addr_ipv6="2001:db8::1",
        advertise_addr_wan_ipv4="192.0.2.2",
        advertise_addr_wan_ipv6="2001:db8::2",
    )
    tagged = assembly.identity(families, NODE_ID).node().tagged_addresses or {}
    assert (tagged["lan_ipv4"], tagged["lan_ipv6"]) == ("192.0.2.1", "2001:db8::1")
    assert (tagged["wan_ipv4"], tagged["wan_ipv6"]) == ("192.0.2.2", "2001:db8::2")


def test_who_is_no_server_looks_for_servers_as_it_is_told() -> None:
    join = Join(at_start=("a",), retry=("b", "c:1"), retry_interval_s=5.0, retry_max=3)
    settings = assembly.remote_settings(_dev(dev=False, server=False, join=join, bind_addr="0.0.0.0"), NODE_ID)
    assert (settings.start_join, settings.retry_join) == (("a",), ("b", "c:1"))
    assert (settings.retry_interval_s, settings.retry_max) == (5.0, 3)
    assert (settings.join_port, settings.source, settings.hold_s) == (8301, "", 7.0)
    assert assembly.remote_settings(_dev(bind_addr="127.0.0.9"), NODE_ID).source == "127.0.0.9"


def test_a_lone_expected_server_is_one_that_founds_alone() -> None:
    assert assembly.identity(_dev(server=True, bootstrap_expect=1), NODE_ID).bootstrap
    three = assembly.identity(_dev(server=True, bootstrap_expect=3), NODE_ID)
    assert (three.bootstrap, three.expect) == (False, 3)


@pytest.mark.parametrize(("settings", "expect"), [({}, 0), ({"bootstrap": True}, 1), ({"bootstrap_expect": 3}, 3)])
def test_a_server_founds_or_waits_as_it_is_told(settings: dict[str, object], expect: int) -> None:
    configuration = _dev(dev=False, server=True, **settings)
    assert assembly.server_settings(configuration, "id").bootstrap_expect == expect


def test_the_shortest_ttl_of_sessions_reaches_the_server() -> None:
    settings = assembly.server_settings(_dev(session_ttl_min_s=1.5), NODE_ID)
    assert settings.session_ttl_min_s == 1.5


def test_https_is_listened_for_beside_http_and_one_path_once() -> None:
    unix = UnixSockets(user="0", group="1", mode="0600")
    both = ("127.0.0.1", "unix:///run/x")
    blank = _dev(addresses=Addresses(http=both, https=both), ports=Ports(http=1, https=2), unix_sockets=unix)
    configuration = replace(blank, tls=Tls(https=DoorTls(cert_file="cert.pem", key_file="key.pem")))
    without_tls = [TcpAddress("127.0.0.1", 1), UnixAddress("/run/x", SocketOwner("0", "1", "0600"))]
    assert assembly.http_addresses(configuration) == [*without_tls, TcpAddress("127.0.0.1", 2, is_secure=True)]
    assert assembly.http_addresses(blank) == without_tls
    off = _dev(addresses=Addresses(https=both), ports=Ports(http=1, https=-1))
    assert assembly.http_addresses(off) == []


def test_https_takes_the_keys_of_tls() -> None:
    door = DoorTls(
        ca_file="ca.pem", cert_file="cert.pem", key_file="key.pem", verify_incoming=True, min_version="tls13",
        cipher_suites="X",
    )  # fmt: skip
    tls = Tls(https=door, prefer_server_cipher_suites=True)
    configuration = _dev(tls=tls, limits=Limits(https_handshake_timeout_s=2))
    assert assembly.http_settings(configuration).https == HttpsSettings(
        ca_file="ca.pem", cert_file="cert.pem", key_file="key.pem", verify_incoming=True, min_version="tls13",
        cipher_suites="X", prefers_server_ciphers=True, handshake_s_max=2,
    )  # fmt: skip


def test_what_the_servers_gave_is_shown_where_there_are_no_files() -> None:
    given = AgentCertificate(
        pair=PemPair("certificate", "key"), roots="roots", root_id="", valid_after=0.0, valid_before=1.0
    )
    asking = _dev(auto_encrypt=AutoEncrypt(tls=True), addresses=Addresses(https=("127.0.0.1",)), ports=Ports(https=1))
    before, after = assembly.https_settings(asking), assembly.https_settings(asking, given)
    assert (before.is_awaited, before.pair, before.agent_roots) == (True, None, "")
    assert (after.is_awaited, after.pair, after.agent_roots) == (True, given.pair, "roots")
    assert assembly.http_addresses(asking) == [TcpAddress("127.0.0.1", 1, is_secure=True)]
    assert assembly.https_settings(_dev(), given).pair is None
    settings = assembly.tls_settings(asking, given.pair)
    assert settings is not None
    assert (settings.asks_for_certificate, settings.pair) == (True, given.pair)
    checks = assembly.check_tls(_dev(enable_agent_tls_for_checks=True), given.pair)
    assert checks == CheckTls(pair=given.pair)


@pytest.mark.parametrize(
    ("https", "grpc", "secured"),
    [
        (1, DoorTls(), True),
        (-1, DoorTls(), False),
        (-1, DoorTls(use_auto_cert=True, said={"use_auto_cert": "tls.grpc.use_auto_cert"}), True),
        (1, DoorTls(said={"use_auto_cert": "tls.grpc.use_auto_cert"}), False),
    ],
)
def test_the_grpc_port_shows_it_with_https_or_where_that_is_wanted(https: int, grpc: DoorTls, secured: bool) -> None:
    asking = _dev(auto_encrypt=AutoEncrypt(tls=True), ports=Ports(https=https), tls=Tls(grpc=grpc))
    assert assembly.grpc_is_secured(asking) == secured
    assert (assembly.grpc_tls(asking)() is not None) == secured


def test_the_keys_of_the_http_api_stand_in_its_settings() -> None:
    configuration = _dev(discovery_max_stale_s=10, disable_http_unprintable_char_filter=True)
    settings = assembly.http_settings(configuration)
    assert (settings.discovery_stale_s, settings.takes_unprintable) == (10, True)
