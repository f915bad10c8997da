"""Rules about clients, metrics, logs and files."""

import pytest

from lictor_config.load import ConfigurationProblems
from tests.config.test_relations import complaints, load

REFUSED = {
    'http_config { allow_write_http_from = ["127.0.0.0/8", "x"] }': "http_config.allow_write_http_from: 'x' is no",
    'ui = true ui_dir = "/x"': "ui_dir: cannot be given together with ui",
    'ui_content_path = "/v1/"': "ui_content_path: '/v1/' must",
    'ui_content_path = "/a b/"': "ui_content_path: '/a b/' must",
    'unix_sockets { mode = "rwx" }': "unix_sockets.mode: 'rwx' is no permission",
    'default_query_time = "0s"': "default_query_time: 0 s is too short",
    'max_query_time = "-1s"': "max_query_time: -1 s is too short",
    "cache { entry_fetch_rate = 0 }": "cache.entry_fetch_rate: 0 must be above 0",
    "cache { entry_fetch_max_burst = 0 }": "cache.entry_fetch_max_burst: 0 must be above 0",
    'telemetry { prometheus_retention_time = "-1s" }': "telemetry.prometheus_retention_time: -1 s is below 0",
    'telemetry { statsd_address = "10.0.0.1:none" }': "telemetry.statsd_address: '10.0.0.1:none' has the port",
    'telemetry { dogstatsd_addr = ":8125" }': "telemetry.dogstatsd_addr: ':8125' names no host",
    'session_ttl_min = "-5s"': "session_ttl_min: -5 s is below 0",
    'log_rotate_duration = "0s"': "log_rotate_duration: 0 s is too short",
    "log_rotate_bytes = -1": "log_rotate_bytes: -1 is below 0",
    'syslog_facility = "x"': "syslog_facility: 'X' is none of KERN",
    'encrypt = "bogus"': "encrypt: is no key",
    'encrypt = "AAAA"': "encrypt: is no key",
    'acl { down_policy = "x" }': "acl.down_policy: 'x' is none of",
}
TAKEN = [
    'ui_content_path = "/consul_1/x-y/"',
    'unix_sockets { mode = "0700" user = "root" }',
    'encrypt = "pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s="',
    'http_config { allow_write_http_from = ["10.1.2.3", "::1/128"] }',
]
WARNED = {
    'acl_datacenter = "dc1"': "acl_datacenter is the older name",
    'telemetry { prefix_filter = ["a", "+b"] }': "telemetry.prefix_filter: 'a' has no effect",
    'default_query_time = "20m"': "default_query_time, 1200 s, is above max_query_time, 600 s",
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
    assert [one for one in found if one.startswith(warning)], found


def test_a_key_is_never_shown() -> None:
    with pytest.raises(ConfigurationProblems) as caught:
        load('encrypt = "c2VjcmV0"', dev=False)
    assert "c2Vj" not in str(caught.value)
