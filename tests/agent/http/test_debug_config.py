"""`DebugConfig` beside Consul's: `consul_debug_config.json` is each key of 1.8.7's with the type of its value."""

import json
from pathlib import Path

import pytest

from lictor_agent.http.debug_config import debug_configuration
from lictor_config.load import load_configuration
from lictor_config.tree import Origin
from lictor_core.records import JsonObject
from tests.agent.builders import identity

CONSULS: dict[str, str] = json.loads((Path(__file__).parent / "consul_debug_config.json").read_text())
KINDS: dict[type[object], str] = {
    dict: "object",
    list: "list",
    bool: "bool",
    int: "number",
    float: "number",
    str: "string",
}
LEFT_OUT = {
    "AutoConfig", "ACLDisabledTTL",
    "Checks", "ConnectCAConfig", "ConnectMeshGatewayWANFederationEnabled",
    "ConnectTestCALeafRootChangeSpread", "ConsulRaftElectionTimeout", "ConsulRaftHeartbeatTimeout",
    "ConsulRaftLeaderLeaseTimeout", "ConsulServerHealthInterval", "DisableAnonymousSignature",
    "DisableUpdateCheck",
    "EnableAgentTLSForChecks",
    "EnterpriseRuntimeConfig", "NonVotingServer", "PrimaryGateways", "PrimaryGatewaysInterval", "RPCProtocol",
    "RaftProtocol", "RaftSnapshotInterval", "RaftSnapshotThreshold", "RetryJoinIntervalWAN",
    "RetryJoinMaxAttemptsWAN", "RetryJoinWAN", "SegmentLimit", "SegmentName", "SegmentNameLimit", "Segments",
    "SerfAdvertiseAddrLAN", "SerfAdvertiseAddrWAN", "SerfAllowedCIDRsLAN", "SerfAllowedCIDRsWAN",
    "SerfBindAddrLAN", "SerfBindAddrWAN", "Services", "StartJoinAddrsWAN", "UIContentPath", "UIDir",
}  # fmt: skip
"""What belongs to keys that do nothing here."""


def shown(*fragments: str) -> JsonObject:
    return debug_configuration(load_configuration(Origin(dev=True, fragments=fragments)), identity())


def test_each_key_is_consuls_and_has_the_type_of_consuls() -> None:
    found = shown()
    assert set(CONSULS) - set(found) == LEFT_OUT
    assert {name: KINDS[type(value)] for name, value in found.items()} == {name: CONSULS[name] for name in found}


def test_secrets_are_hidden() -> None:
    text = json.dumps(
        shown(
            'encrypt = "pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s="',
            'acl { tokens { default = "secret-1" agent = "secret-2" master = "secret-3" } }',
            'connect { ca_config { private_key = "secret-4" } }',
            'watches = [{ type = "key" key = "a" token = "secret-5" args = ["x"] }]',
            'watches = [{ type = "key" key = "b" handler_type = "http"'
            ' http_handler_config = [{ path = "http://x" header = { a = "secret-7" } }] }]',
            'key_file = "secret-6"',
        )
    )
    assert "secret" not in text
    assert "pUqJ" not in text


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("ports { http = 8600 dns = -1 }", "DNSAddrs", []),
        ('addresses { http = "unix:///run/x 127.0.0.2" }', "HTTPAddrs", ["unix:///run/x", "tcp://127.0.0.2:8500"]),
        ("limits { rpc_rate = 5 }", "RPCRateLimit", 5),
        ("cache { entry_fetch_rate = 0.5 }", "Cache", {"EntryFetchMaxBurst": 2, "EntryFetchRate": 0.5}),
        ('dns_config { service_ttl { "*" = "5s" } }', "DNSServiceTTL", {"*": "5s"}),
        ('retry_join = ["10.0.0.1"]', "RetryJoinLAN", ["10.0.0.1"]),
    ],
)
def test_what_was_configured_is_shown(text: str, name: str, value: object) -> None:
    assert shown(text)[name] == value
