"""The sections of the tree that belong to one feature each: from text to values."""

import math

from lictor_config.hcl import parse_hcl
from lictor_config.presets import PRODUCTION
from lictor_config.reading import Reader
from lictor_config.schema import read_configuration
from lictor_config.sections import Cache, Coordinates, Gossip, Http, Limits, Log, Telemetry, Tokens, UnixSockets
from lictor_config.tree import Configuration


def read(text: str) -> Configuration:
    reader = Reader(parse_hcl(text).values)
    configuration = read_configuration(reader, PRODUCTION)
    assert reader.problems == []
    return configuration


def test_logs_are_described_at_the_outermost_level() -> None:
    assert read(
        """
        log_level = "ERROR"  log_json = true  log_file = "/var/log/lictor/"  log_rotate_bytes = 1000
        log_rotate_duration = "1h"  log_rotate_max_files = 3  enable_syslog = true  syslog_facility = "local3"
        """
    ).log == Log(
        level="err",
        json=True,
        file="/var/log/lictor/",
        rotate_bytes=1000,
        rotate_duration_s=3600,
        rotate_max_files=3,
        syslog=True,
        syslog_facility="LOCAL3",
    )


def test_tokens_stand_under_acl_and_their_older_names_hold_where_those_are_silent() -> None:
    tokens = read('acl { tokens { agent = "new" default = "d" } } acl_agent_token = "old" acl_master_token = "m"').acl
    assert tokens.tokens == Tokens(default="d", agent="new", master="m")


def test_a_token_is_not_in_what_is_printed() -> None:
    assert "secret" not in repr(read('acl { tokens { default = "secret" } }'))


def test_later_names_of_tokens_count_before_those_of_their_time() -> None:
    tokens = read('acl { tokens { agent_recovery = "r" agent_master = "x" initial_management = "i" } }').acl.tokens
    assert (tokens.agent_master, tokens.master) == ("r", "i")
    assert read('acl { tokens { agent_master = "x" } } acl_master_token = "m"').acl.tokens.master == "m"


def test_to_name_the_acl_datacenter_turns_acls_on_unless_something_else_is_said() -> None:
    assert read('acl_datacenter = "DC2"').acl.enabled
    assert read('acl_datacenter = "DC2"').primary_datacenter == "dc2"
    assert not read('acl_datacenter = "dc2" acl { enabled = false }').acl.enabled


def test_the_http_api_is_described_in_http_config() -> None:
    assert read(
        """http_config {
            allow_write_http_from = ["127.0.0.0/8"]
            block_endpoints = ["/v1/x"]
            response_headers { "X-Name" = "y" }
            use_cache = false
        }"""
    ).http == Http(
        allow_write_http_from=("127.0.0.0/8",),
        block_endpoints=("/v1/x",),
        response_headers={"X-Name": "y"},
        use_cache=False,
    )


def test_limits_are_read_and_a_rate_below_zero_is_none() -> None:
    text = 'limits { rpc_rate = 10.5 rpc_max_burst = 7 https_handshake_timeout = "1s" txn_max_req_len = 9 }'
    expected = Limits(rpc_rate=10.5, rpc_max_burst=7, https_handshake_timeout_s=1, txn_max_req_len=9)
    assert read(text).limits == expected
    assert math.isinf(read("limits { rpc_rate = -1 }").limits.rpc_rate)


def test_rules_of_metrics_are_told_apart_by_their_sign() -> None:
    telemetry = read('telemetry { prefix_filter = ["+a.b", "-a"] filter_default = false }').telemetry
    assert telemetry == Telemetry(prefix_filter=("+a.b", "-a"), filter_default=False)
    assert (telemetry.allowed_prefixes, telemetry.blocked_prefixes) == (("a.b",), ("a",))


def test_coordinates_come_from_three_places() -> None:
    text = """
        disable_coordinates = true
        sync_coordinate_interval_min = "3s"
        consul { coordinate { update_period = "1s" update_batch_size = 2 } raft { election_timeout = "1s" } }
        """
    expected = Coordinates(disabled=True, interval_min_s=3, update_period_s=1, update_batch_size=2)
    assert read(text).coordinates == expected


def test_cache_gossip_and_sockets_are_read() -> None:
    configuration = read(
        'cache { entry_fetch_rate = 0.5 } gossip_lan { probe_timeout = "1s" } unix_sockets { mode = "0700" }'
    )
    assert configuration.cache == Cache(entry_fetch_rate=0.5)
    assert configuration.gossip_lan == Gossip(probe_timeout_s=1)
    assert configuration.gossip_wan == PRODUCTION.gossip_wan
    assert configuration.unix_sockets == UnixSockets(mode="0700")


def test_watches_are_kept_as_they_are_written() -> None:
    assert read('watches = [{ type = "key", key = "a", args = ["x"] }]').watches == (
        {"type": "key", "key": "a", "args": ["x"]},
    )
