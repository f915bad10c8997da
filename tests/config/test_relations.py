"""What must hold between settings."""

import re

import pytest

from lictor_config.load import ConfigurationProblems, load_configuration
from lictor_config.tree import Origin


def load(text: str, *, dev: bool) -> tuple[str, ...]:
    """The warnings of a configuration. Raises `ConfigurationProblems`."""
    text = text if dev else f'data_dir = "/x" bind_addr = "127.0.0.1" {text}'
    return load_configuration(Origin(dev=dev, fragments=(text,)), hostname=lambda: "host").warnings


def complaints(text: str) -> list[str]:
    """What is wrong with a configuration that must be refused, without the places."""
    with pytest.raises(ConfigurationProblems) as caught:
        load(text, dev=False)
    return [re.sub(r"^-hcl\[1\]:\d+: ", "", problem) for problem in caught.value.problems]


# a setting, and how the complaint about it begins
REFUSED = {
    'membership { lease_ttl = "100ms" }': "membership.lease_ttl: 0.1 s is not between 1 s and 600 s",
    'membership { lease_ttl = "1h" }': "membership.lease_ttl: 3600 s",
    'membership { lease_ttl = "2s" connection_grace = "3s" }': "membership.connection_grace: 3 s is not between 0 s",
    'reconnect_timeout = "59s"': "reconnect_timeout: 59 s is below 60 s",
    'advertise_reconnect_timeout = "1s"': "advertise_reconnect_timeout: 1 s is below 60 s",
    'datacenter = "a b"': "datacenter: 'a b' must consist of",
    'datacenter = "a.b"': "datacenter: 'a.b' must consist of",
    'datacenter = ""': "datacenter: cannot be empty",
    'domain = "a b"': "domain: 'a b' is no DNS name",
    'domain = "."': "domain: cannot be empty",
    'alt_domain = "Service.example"': "alt_domain: 'service.example' cannot begin with 'service'",
    'alt_domain = "dc1.example"': "alt_domain: 'dc1.example' cannot begin with 'dc1', which means something",
    'datacenter = "DC9" alt_domain = "dc9"': "alt_domain: 'dc9' cannot begin with 'dc9', which means something",
    'node_id = "x"': "node_id: 'x' is no UUID",
    'node_meta { "consul-x" = "1" }': "node_meta: Couldn't load metadata pair",
    "bootstrap = true": "bootstrap: needs server",
    "bootstrap_expect = 3": "bootstrap_expect: needs server",
    "server = true bootstrap = true bootstrap_expect = 3": "bootstrap_expect: cannot be given together",
    "server = true bootstrap_expect = -1": "bootstrap_expect: -1 is below 0",
    'bind_addr = "foo"': "bind_addr: 'foo' is no IP address",
    'bind_addr = "1.2.3.4 1.2.3.5"': "bind_addr: takes one address",
    'bind_addr = "unix:///x"': "bind_addr: 'unix:///x' cannot be a unix socket",
    'advertise_addr = "0.0.0.0"': "advertise_addr: cannot be 0.0.0.0",
    'advertise_addr = "host"': "advertise_addr: 'host' is no IP address",
    'advertise_addr_ipv4 = "2001:db8::1"': "advertise_addr_ipv4: '2001:db8::1' is no IPv4 address",
    'advertise_addr_ipv6 = "192.0.2.1"': "advertise_addr_ipv6: '192.0.2.1' is no IPv6 address",
    'advertise_addr_wan_ipv4 = "::"': "advertise_addr_wan_ipv4: cannot be ::",
    'advertise_addr_wan_ipv6 = "x"': "advertise_addr_wan_ipv6: 'x' is no IP address",
    'recursors = ["192.0.2.1", "dns.example.com"]': "recursors: 'dns.example.com' names no IP address",
    'recursors = ["0.0.0.0"]': "recursors: '0.0.0.0' stands for any address",
    'recursors = ["192.0.2.1:x"]': "recursors: '192.0.2.1:x' has the port 'x', which is none",
    'recursors = ["unix:///run/x"]': "recursors: 'unix:///run/x' has the port",
    'dns_config { recursor_timeout = "-1s" }': "dns_config.recursor_timeout: -1 is below 0",
    'client_addr = "foo"': "client_addr: 'foo' is no IP address",
    'addresses { dns = "unix:///x" }': "addresses.dns: 'unix:///x' cannot be a unix socket",
    'addresses { http = "unix://" }': "addresses.http: 'unix://' needs a path",
    "autopilot { max_trailing_logs = -5 }": "autopilot.max_trailing_logs: -5 is below 0",
    "autopilot { min_quorum = -1 }": "autopilot.min_quorum: -1 is below 0",
    'autopilot { last_contact_threshold = "-1s" }': "autopilot.last_contact_threshold: -1 is below 0",
    'autopilot { server_stabilization_time = "-1s" }': "autopilot.server_stabilization_time: -1 is below 0",
    'autopilot { last_contact_threshold = "x" }': "autopilot.last_contact_threshold: invalid duration",
    "ports { http = 8600 }": "ports.http: 127.0.0.1:8600 is already taken by ports.dns",
    "ports { http = 8300 }": "ports.server: 127.0.0.1:8300 is already taken by ports.http",
    "ports { http = 70000 }": "ports.http: 70000 is no port",
    "ports { server = -1 }": "ports.server: -1 turns off",
    "ports { sidecar_min_port = 5 sidecar_max_port = 2 }": "ports.sidecar_min_port: 5 must not be above",
    "dns_config { udp_answer_limit = -1 }": "dns_config.udp_answer_limit: -1 is below 0",
    "limits { http_rate_per_client = 0 }": "limits.http_rate_per_client: 0 is not above 0; leave it out for no bound",
    "limits { http_rate_per_token = -1 }": "limits.http_rate_per_token: -1 is not above 0; leave it out for no bound",
    "limits { http_burst_per_client = -1 }": "limits.http_burst_per_client: -1 is below 0",
    "limits { rpc_max_conns_per_client = -1 }": "limits.rpc_max_conns_per_client: -1 is below 0",
    'limits { rpc_handshake_timeout = "-1s" }': "limits.rpc_handshake_timeout: -1 is below 0",
    "limits { request_limits { write_rate = 0 } }": "limits.request_limits.write_rate: 0 is not above 0; leave it out",
    'limits { request_limits { mode = "loud" } }': "limits.request_limits.mode: 'loud' is none of disabled, permissive",
    "dns_config { tcp_connections_per_client_max = 0 }": "dns_config: cache_entries_max and tcp_connections_max must",
    "dns_config { tcp_connections_max = 0 }": "dns_config: cache_entries_max and tcp_connections_max must be",
    'dns_config { tcp_idle_timeout = "0s" }': "dns_config.tcp_idle_timeout: 0 s is not above 0",
    'dns_config { service_ttl { "a" = "-1s" } }': "dns_config.service_ttl['a']: -1 is below 0",
    'dns_config { node_ttl = "2147483648s" }': "dns_config.node_ttl: 2147483648 s is more than the 2147483647 s",
    'dns_config { service_ttl { "*" = "600000h" } }': "dns_config.service_ttl['*']: 2160000000 s is more than",
    "dns_config { soa { min_ttl = 4294967295 } }": "dns_config.soa.min_ttl: 4294967295 s is more than",
    "check_output_max_size = 0": "check_output_max_size: must be at least 1",
    "limits { kv_max_value_size = 0 }": "limits.kv_max_value_size: 0 is below 1",
    'log_level = "loud"': "log_level: 'loud' is none of trace",
    'acl { default_policy = "maybe" }': "acl.default_policy: 'maybe' is neither allow nor deny",
    'acl_default_policy = "maybe"': "acl.default_policy: 'maybe' is neither allow nor deny",
    'connect { ca_provider = "foo" }': "connect.ca_provider: 'foo' is not one of",
    'connect { ca_config { leaf_cert_ttl = "5s" } }': "connect.ca_config.leaf_cert_ttl: must be a duration from 1h",
    'connect { ca_config { LeafCertTTL = "x" } }': "connect.ca_config.leaf_cert_ttl: invalid duration",
    'tls_min_version = "TLS12"': "tls_min_version: 'TLS12' is none of tls10, tls11, tls12, tls13",
    'cert_file = "c" key_file = "k" verify_incoming = true': "verify_incoming: needs ca_file or ca_path",
    'cert_file = "c" key_file = "k" verify_incoming_rpc = true': "verify_incoming_rpc: needs ca_file or ca_path",
    'ca_file = "a" verify_incoming = true': "verify_incoming: needs cert_file and key_file",
    'ca_file = "a" cert_file = "c" verify_incoming = true': "verify_incoming: needs cert_file and key_file",
    "verify_incoming_https = true": "verify_incoming_https: needs ca_file or ca_path",
    'cert_file = "c" key_file = "k" ports { https = 8500 }': "ports.https: 127.0.0.1:8500 is already taken",
    'addresses { https = "here" }': "addresses.https: 'here' is no IP address",
    'tls_cipher_suites = "TLS_RSA_WITH_RC4_128_SHA"': "tls_cipher_suites: 'TLS_RSA_WITH_RC4_128_SHA' is not taken",
    "verify_outgoing = true": "verify_outgoing: needs ca_file or ca_path",
    "verify_server_hostname = true": "verify_server_hostname: needs ca_file or ca_path",
    'service { name = "a" check { args = ["x"] interval = "1s" } }': "service 'a': its check runs a command",
    'check { name = "a" args = ["x"] interval = "1s" }': "check 'a': its check runs a command",
}
TAKEN = [
    'membership { lease_ttl = "30s" connection_grace = "0s" }',
    'reconnect_timeout = "60s" advertise_reconnect_timeout = "15m"',
    'datacenter = "DC_1-x"',
    'domain = "Consul."',
    'domain = "service.example" alt_domain = "ingress.example"',
    'dns_config { node_ttl = "2147483647s" }',
    'autopilot { cleanup_dead_servers = false last_contact_threshold = "1s" min_quorum = 3 }',
    "server = true bootstrap = true",
    "ports { http = -1 dns = -1 grpc = -1 }",
    'addresses { http = "unix:///run/x.sock" } ports { http = 8600 }',
    'addresses { http = "127.0.0.2" } ports { http = 8600 }',
    'client_addr = "127.0.0.1 ::1"',
    'recursors = ["192.0.2.1", "192.0.2.1:5353", "::1", "[::1]", "[::1]:5353"]',
    'advertise_addr = "[2001:db8::1]"',
    'advertise_addr_ipv6 = "[2001:db8::1]" advertise_addr_wan_ipv4 = " 192.0.2.1 "',
    'log_level = "ERROR"',
    'enable_local_script_checks = true check { name = "a" args = ["x"] interval = "1s" }',
    'ca_path = "a" cert_file = "c" key_file = "k" verify_incoming = true verify_outgoing = true',
    'ca_file = "a" verify_server_hostname = true tls_min_version = "tls12"',
    'cert_file = "c" key_file = "k" ports { https = 8501 } tls_cipher_suites = "TLS_RSA_WITH_AES_128_CBC_SHA"',
    'ca_file = "a" verify_incoming_https = true addresses { https = "unix:///run/s.sock" }',
    'connect { enabled = true ca_provider = "consul" ca_config { leaf_cert_ttl = "1h" } }',
    'connect { enabled = true ca_provider = "vault" ca_config { address = "http://127.0.0.1:8200" } }',
]
WARNED = {
    'node_name = "a b"': "node name 'a b' cannot be found through DNS",
    "server = true bootstrap_expect = 1": "bootstrap_expect is 1",
    "ports { https = 8501 }": "ports.https without cert_file and key_file has no effect",
    "server = true bootstrap_expect = 2": "bootstrap_expect is 2: 2 servers survive no more failures than 1 do",
    "enable_script_checks = true": "enable_script_checks without ACLs",
    'autopilot { redundancy_zone_tag = "zone" }': "autopilot.redundancy_zone_tag is kept and shown, and has no effect",
    "autopilot { disable_upgrade_migration = true }": "autopilot.disable_upgrade_migration is kept",
    'tls_min_version = "tls10"': "tls_min_version is tls10: TLS 1.2 is the oldest",
    'cert_file = "c"': "cert_file without key_file has no effect",
    'key_file = "k"': "key_file without cert_file has no effect",
    'ca_file = "a" ca_path = "b"': "ca_path has no effect beside ca_file",
    'service { name = "a_b" }': "service name 'a_b' cannot be found through DNS",
}


@pytest.mark.parametrize(("text", "complaint"), REFUSED.items())
def test_a_setting_that_cannot_be_is_refused(text: str, complaint: str) -> None:
    told = complaints(text)
    assert any(problem.startswith(complaint) for problem in told), told


@pytest.mark.parametrize("text", TAKEN)
def test_a_setting_that_can_be_is_taken(text: str) -> None:
    load(text, dev=False)


@pytest.mark.parametrize(("text", "warning"), WARNED.items())
def test_what_was_perhaps_not_meant_is_warned_of(text: str, warning: str) -> None:
    found = load(text, dev=False)
    assert any(one.startswith(warning) for one in found), found


def test_without_dev_a_data_directory_is_needed() -> None:
    with pytest.raises(ConfigurationProblems, match="data_dir: cannot be empty"):
        load_configuration(Origin(fragments=('bind_addr = "127.0.0.1"',)))


@pytest.mark.parametrize("text", ["server = false", "bootstrap_expect = 3"])
def test_dev_is_a_server_of_one(text: str) -> None:
    with pytest.raises(ConfigurationProblems, match="server of one"):
        load(text, dev=True)
