"""What an agent judges itself, and the tokens that it is told: registrations, checks, maintenance, its own doors."""

from tests.compat.scenarios.http.acl import CONFIG, NEVER, fixed, step
from tests.support.recorder.json_types import Json
from tests.support.recorder.scenario import Scenario, Step

_RULES: dict[str, str] = {
    "agent-read": 'agent_prefix "" { policy = "read" }',
    "agent-write": 'agent_prefix "" { policy = "write" }',
    "node-write": 'node_prefix "" { policy = "write" }',
    "web-read": 'service "web" { policy = "read" }',
    "web-write": 'service "web" { policy = "write" }',
    "operator-read": 'operator = "read"',
    "operator-write": 'operator = "write"',
}
_SECRETS = {name: fixed(0xB000 + number) for number, name in enumerate(_RULES)}
_TOKENS: tuple[Step, ...] = tuple(
    made
    for number, (name, rules) in enumerate(_RULES.items())
    for made in (
        step(f"policy {name}", "PUT", "acl/policy", {"Name": name, "Rules": rules}),
        step(
            f"token {name}",
            "PUT",
            "acl/token",
            {"AccessorID": fixed(0xA000 + number), "SecretID": _SECRETS[name], "Policies": [{"Name": name}]},
        ),
    )
)
_WEB: dict[str, Json] = {"Name": "web", "Port": 80, "Check": {"TTL": "10m", "CheckID": "web-check"}}
_SIDECAR: dict[str, Json] = {"Name": "web", "Connect": {"SidecarService": {}}}
_PROXY: dict[str, Json] = {
    "Name": "p", "Kind": "connect-proxy", "Port": 1, "Proxy": {"DestinationServiceName": "web"},
}  # fmt: skip
_IDENTITY = "spiffe://11111111-2222-3333-4444-555555555555.consul/ns/default/dc/dc1/svc/a"
_QUESTION: dict[str, Json] = {"Target": "web", "ClientCertURI": _IDENTITY, "ClientCertSerial": "1"}


def _by(token: str, name: str, method: str, path: str, body: "Json | bytes" = None) -> Step:
    secret = {"": "", "unknown": NEVER, **_SECRETS}[token]
    return step(f"{name}, by {token or 'nobody'}", method, path, body, token=secret)


_REGISTERED: tuple[Step, ...] = (
    _by("", "a service", "PUT", "agent/service/register", _WEB),
    _by("web-read", "a service", "PUT", "agent/service/register", _WEB),
    _by("web-write", "a service", "PUT", "agent/service/register", _WEB),
    step("another service", "PUT", "agent/service/register", {"Name": "other"}),
    step("a check of the node", "PUT", "agent/check/register", {"Name": "of-node", "TTL": "10m"}),
    _by("web-write", "one in the place of another", "PUT", "agent/service/register", {"ID": "other", "Name": "web"}),
    _by("web-write", "one with a sidecar", "PUT", "agent/service/register", _SIDECAR),
    _by("web-write", "a proxy", "PUT", "agent/service/register", _PROXY),
    _by("unknown", "a service", "PUT", "agent/service/register", _WEB),
    _by("web-write", "a check of it", "PUT", "agent/check/register", {"Name": "c", "TTL": "10m", "ServiceID": "web"}),
    _by("web-write", "a check of the node", "PUT", "agent/check/register", {"Name": "n", "TTL": "10m"}),
    _by("node-write", "a check of the node", "PUT", "agent/check/register", {"Name": "n", "TTL": "10m"}),
    _by("node-write", "a check of none", "PUT", "agent/check/register", {"Name": "n", "TTL": "1m", "ServiceID": "no"}),
)
_CHANGES: tuple[tuple[str, Json], ...] = (
    ("agent/check/pass/of-node", None),
    ("agent/check/warn/web-check", None),
    ("agent/check/update/web-check", {"Status": "passing"}),
    ("agent/check/pass/nothing", None),
    ("agent/service/maintenance/web?enable=true", None),
    ("agent/service/maintenance/nothing?enable=true", None),
    ("agent/maintenance?enable=true", None),
    ("agent/maintenance", None),
    ("agent/check/deregister/nothing", None),
    ("agent/service/deregister/nothing", None),
    ("agent/token/default", {"Token": ""}),
)
_CHANGED: tuple[Step, ...] = tuple(
    _by(token, path, "PUT", path, body)
    for path, body in _CHANGES
    for token in ("", "web-read", "web-write", "node-write", "agent-read", "agent-write", "unknown")
)
_LOOKED_AT: tuple[Step, ...] = tuple(
    _by(token, path, "GET", path)
    for path in (
        "agent/service/web",
        "agent/service/nothing",
        "agent/health/service/name/web?format=text",
        "agent/health/service/name/nothing?format=text",
        "agent/health/service/id/web?format=text",
        "operator/raft/configuration?stale",
        "operator/keyring",
        "connect/ca/configuration",
    )
    for token in ("", "web-write", "agent-read", "unknown")
)
_SEEN: tuple[Step, ...] = (
    *_LOOKED_AT,
    _by("", "services", "GET", "agent/services"),
    _by("web-read", "services", "GET", "agent/services"),
    _by("unknown", "services", "GET", "agent/services"),
    _by("", "checks", "GET", "agent/checks"),
    _by("", "members", "GET", "agent/members"),
    _by("unknown", "members", "GET", "agent/members"),
    _by("", "itself", "GET", "agent/self"),
    _by("operator-read", "itself", "GET", "agent/self"),
    _by("", "its machine", "GET", "agent/host"),
    _by("agent-read", "its machine", "GET", "agent/host"),
    _by("web-read", "may a connect to web", "POST", "agent/connect/authorize", _QUESTION),
    _by("web-write", "may a connect to web", "POST", "agent/connect/authorize", _QUESTION),
    _by("web-read", "a leaf", "GET", "agent/connect/ca/leaf/web"),
    _by("operator-read", "somebody shall be gone", "PUT", "agent/force-leave/nobody"),
    _by("operator-write", "somebody shall be gone", "PUT", "agent/force-leave/nobody"),
)
_TOLD: tuple[Step, ...] = (
    *(
        step(f"the slot {slot or 'of no name'}", "PUT", f"agent/token/{slot}", {"Token": _SECRETS["agent-read"]})
        for slot in (
            "agent_master", "replication", "acl_agent_master_token", "acl_replication_token", "master",
            "initial_management", "bogus", "",
        )
    ),
    step("in lower case", "PUT", "agent/token/replication", {"token": ""}),
    step("no JSON", "PUT", "agent/token/default", b"{"),
    step("no body", "PUT", "agent/token/default", b""),
    step("a number", "PUT", "agent/token/default", {"Token": 5}),
    step("a key that nobody knows", "PUT", "agent/token/default", {"Tokenx": "5"}),
    _by("", "itself before it has a default token", "GET", "agent/reload"),
    step("a default token", "PUT", "agent/token/acl_token", {"Token": _SECRETS["web-read"]}),
    _by("", "services by the default token", "GET", "agent/services"),
    step("none again", "PUT", "agent/token/default", {"Token": ""}),
    _by("", "services without it", "GET", "agent/services"),
    # Last: a development agent of Consul's forgets what it was told when it reloads.
    _by("", "a reload", "PUT", "agent/reload"),
    _by("agent-read", "a reload", "PUT", "agent/reload"),
    _by("agent-write", "a reload", "PUT", "agent/reload"),
)  # fmt: skip

SCENARIO = Scenario(
    "acl_agent",
    "What an agent judges itself, and the tokens that it is told.",
    (*_TOKENS, *_REGISTERED, *_CHANGED, *_SEEN, *_TOLD),
    CONFIG,
)
