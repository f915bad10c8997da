"""Who may do what: many requests over all of `/v1`, each sent with every token of a cluster that denies by default.

The reads come first. Writes name the token that sends them (`$who`), so that what one was allowed changes nothing for
the next.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from tests.compat.scenarios.http.acl import MANAGEMENT, NEVER
from tests.support.agents import NODE
from tests.support.recorder.json_types import Json

CONFIG: Final[Mapping[str, Json]] = {
    "primary_datacenter": "dc1",
    "acl": {
        "enabled": True,
        "default_policy": "deny",
        "enable_key_list_policy": True,
        "tokens": {"master": MANAGEMENT, "agent": MANAGEMENT},
    },
}


@dataclass(frozen=True)
class Holder:
    """One of the tokens: a body for `/v1/acl/token`, and the rules of a policy of its own; or a `secret` as it is."""

    name: str
    rules: str = ""
    body: Mapping[str, Json] = field(default_factory=dict[str, Json])
    secret: str | None = None


_DENY_SOME: Final = """
key_prefix "" { policy = "write" } key_prefix "app/secret" { policy = "deny" }
node_prefix "" { policy = "read" }
service_prefix "" { policy = "read" } service "db" { policy = "deny" }
agent_prefix "" { policy = "read" } session_prefix "" { policy = "read" } query_prefix "" { policy = "read" }
event_prefix "" { policy = "write" } event "reboot" { policy = "deny" }
"""

HOLDERS: Final = (
    Holder("management", secret=MANAGEMENT),
    Holder("anonymous", secret=""),
    Holder("unknown", secret=NEVER),
    Holder("node identity", body={"NodeIdentities": [{"NodeName": NODE, "Datacenter": "dc1"}]}),
    Holder("service identity", body={"ServiceIdentities": [{"ServiceName": "web"}]}),
    Holder("key reader", 'key_prefix "app/" { policy = "read" }'),
    Holder("key lister", 'key_prefix "app/" { policy = "list" } key "app/secret" { policy = "deny" }'),
    Holder("operator reader", 'operator = "read" keyring = "read" agent_prefix "" { policy = "read" }'),
    Holder("session writer", f'session "{NODE}" {{ policy = "write" }} node "{NODE}" {{ policy = "read" }}'),
    Holder("intention writer", 'service "db" { policy = "read" intentions = "write" }'),
    Holder("denied some", _DENY_SOME),
    Holder("acl reader", 'acl = "read" operator = "write" event_prefix "dep" { policy = "write" }'),
    Holder("member of a role", body={"Roles": [{"Name": "operators"}]}),
    Holder(
        "node writer",
        f'node "{NODE}" {{ policy = "write" }} agent "{NODE}" {{ policy = "write" }} '
        'service "web" { policy = "write" } query "named" { policy = "write" }',
    ),
)


@dataclass(frozen=True)
class Ask:
    """One request. `shows` is the path of the names in its answer (`*` is every member, `keys` the keys), to compare.

    `$who` stands for the token's name without spaces, other `$names` for what the preparation saved.
    """

    method: str
    path: str
    body: "Json | bytes" = None
    shows: str = ""


@dataclass(frozen=True)
class Prepared:
    """A request of the management beforehand; `save` names what its answer has at `at`."""

    method: str
    path: str
    body: Json = None
    save: str = ""
    at: str = "ID"


PREPARATION: Final = (
    *(Prepared("PUT", f"kv/{key}", "v") for key in ("app/a", "app/b", "app/secret", "other", "zone/x")),
    Prepared(
        "PUT",
        "agent/service/register",
        {
            "ID": "web1",
            "Name": "web",
            "Port": 80,
            "Connect": {"Native": True},
            "Check": {"CheckID": "web-up", "Name": "up", "TTL": "10h", "Status": "passing"},
        },
    ),
    Prepared("PUT", "agent/service/register", {"ID": "db1", "Name": "db", "Port": 81}),
    Prepared("PUT", "agent/check/register", {"ID": "disk", "Name": "disk", "TTL": "10h", "Status": "passing"}),
    Prepared(
        "PUT",
        "catalog/register",
        {
            "Node": "far",
            "Address": "192.0.2.9",
            "Service": {"Service": "cache"},
            "Check": {"Name": "c", "CheckID": "c", "Status": "passing"},
        },
    ),
    Prepared("PUT", "session/create", {"Name": "s"}, "session"),
    Prepared(
        "POST", "connect/intentions", {"SourceName": "web", "DestinationName": "db", "Action": "allow"}, "intention"
    ),
    Prepared("POST", "connect/intentions", {"SourceName": "*", "DestinationName": "cache", "Action": "deny"}),
    Prepared("POST", "query", {"Name": "named", "Service": {"Service": "web"}}, "query"),
    Prepared("POST", "query", {"Session": "$session", "Service": {"Service": "db"}}, "nameless"),
    Prepared("PUT", "config", {"Kind": "service-defaults", "Name": "web", "Protocol": "tcp"}),
    Prepared("PUT", "config", {"Kind": "service-defaults", "Name": "db", "Protocol": "tcp"}),
    Prepared(
        "PUT",
        "config",
        {
            "Kind": "ingress-gateway",
            "Name": "entry",
            "Listeners": [{"Port": 90, "Protocol": "tcp", "Services": [{"Name": "web"}]}],
        },
    ),
    Prepared("PUT", "event/fire/deploy", "x"),
    Prepared("PUT", "event/fire/reboot", "x"),
    Prepared(
        "PUT", "acl/policy", {"Name": "operating", "Rules": 'operator = "write" node_prefix "" { policy = "read" }'}
    ),
    Prepared(
        "PUT",
        "acl/role",
        {"Name": "operators", "Policies": [{"Name": "operating"}], "ServiceIdentities": [{"ServiceName": "cache"}]},
    ),
)

_KV = "*.Key"
_TXN_KEYS = "Results.*.KV.Key"
_JUDGED: Json = [
    {"Resource": "service", "Segment": "web", "Access": "write"},
    {"Resource": "key", "Segment": "app/", "Access": "list"},
    {"Resource": "operator", "Access": "read"},
]


def _kv(verb: str, key: str, **more: Json) -> Json:
    return {"KV": {"Verb": verb, "Key": key, **more}}


READS: Final = (
    Ask("GET", "kv/app/a", shows=_KV),
    Ask("GET", "kv/app/secret", shows=_KV),
    Ask("GET", "kv/other", shows=_KV),
    Ask("GET", "kv/app/nothing", shows=_KV),
    Ask("GET", "kv/app/?recurse", shows=_KV),
    Ask("GET", "kv/?recurse", shows=_KV),
    Ask("GET", "kv/app/?keys", shows="*"),
    Ask("GET", "kv/?keys", shows="*"),
    Ask("GET", "kv/?keys&separator=/", shows="*"),
    Ask("PUT", "txn", [_kv("get", "app/a"), _kv("get", "other")], "Results.*.KV.Key"),
    Ask("PUT", "txn", [_kv("get-tree", "app/")], "Results.*.KV.Key"),
    Ask("PUT", "txn", [{"Node": {"Verb": "get", "Node": {"Node": "far"}}}], "Results.*.Node.Node"),
    Ask("PUT", "txn", [{"Service": {"Verb": "get", "Node": NODE, "Service": {"ID": "web1"}}}], "Results.*.Service.ID"),
    Ask("GET", "catalog/datacenters", shows="*"),
    Ask("GET", "catalog/nodes", shows="*.Node"),
    Ask("GET", "catalog/services", shows="keys"),
    Ask("GET", "catalog/service/web", shows="*.ServiceID"),
    Ask("GET", "catalog/service/db", shows="*.ServiceID"),
    Ask("GET", "catalog/service/cache", shows="*.ServiceID"),
    Ask("GET", "catalog/connect/web", shows="*.ServiceID"),
    Ask("GET", f"catalog/node/{NODE}", shows="Services.keys"),
    Ask("GET", "catalog/node/far", shows="Services.keys"),
    Ask("GET", f"catalog/node-services/{NODE}", shows="Services.*.ID"),
    Ask("GET", "catalog/gateway-services/entry", shows="*.Service.Name"),
    Ask("GET", f"health/node/{NODE}", shows="*.CheckID"),
    Ask("GET", "health/checks/web", shows="*.CheckID"),
    Ask("GET", "health/service/web", shows="*.Service.ID"),
    Ask("GET", "health/service/web?passing", shows="*.Service.ID"),
    Ask("GET", "health/service/db", shows="*.Service.ID"),
    Ask("GET", "health/connect/web", shows="*.Service.ID"),
    Ask("GET", "health/ingress/web", shows="*.Service.ID"),
    Ask("GET", "health/state/any", shows="*.CheckID"),
    Ask("GET", "health/state/passing", shows="*.CheckID"),
    Ask("GET", "agent/self", shows="Config.NodeName"),
    Ask("GET", "agent/metrics"),
    Ask("GET", "agent/members", shows="*.Name"),
    Ask("GET", "agent/services", shows="keys"),
    Ask("GET", "agent/service/web1", shows="ID"),
    Ask("GET", "agent/service/db1", shows="ID"),
    Ask("GET", "agent/checks", shows="keys"),
    Ask("GET", "agent/health/service/name/web", shows="*.Service.ID"),
    Ask("GET", "agent/health/service/name/db", shows="*.Service.ID"),
    Ask("GET", "agent/health/service/id/web1", shows="Service.ID"),
    Ask("GET", "agent/host"),
    Ask("GET", "agent/connect/ca/roots", shows="TrustDomain.none"),
    Ask("GET", "agent/connect/ca/leaf/web", shows="Service"),
    Ask("GET", "agent/connect/ca/leaf/db", shows="Service"),
    Ask("GET", "agent/monitor?loglevel=nonsense"),
    Ask("GET", "connect/ca/roots"),
    Ask("GET", "connect/ca/configuration", shows="Provider"),
    Ask("GET", "connect/intentions", shows="*.DestinationName"),
    Ask("GET", "connect/intentions/$intention", shows="DestinationName"),
    Ask("GET", "connect/intentions/match?by=destination&name=db", shows="db.*.SourceName"),
    Ask("GET", "connect/intentions/match?by=source&name=web", shows="web.*.DestinationName"),
    Ask("GET", "connect/intentions/check?source=web&destination=db", shows="Allowed"),
    Ask("GET", "connect/intentions/check?source=web&destination=cache", shows="Allowed"),
    Ask("GET", "config/service-defaults", shows="*.Name"),
    Ask("GET", "config/service-defaults/web", shows="Name"),
    Ask("GET", "config/service-defaults/db", shows="Name"),
    Ask("GET", "config/ingress-gateway/entry", shows="Name"),
    Ask("GET", "config/proxy-defaults", shows="*.Name"),
    Ask("GET", "discovery-chain/web", shows="Chain.ServiceName"),
    Ask("GET", "discovery-chain/db", shows="Chain.ServiceName"),
    Ask("GET", "query", shows="*.Name"),
    Ask("GET", "query/$query", shows="*.Name"),
    Ask("GET", "query/$nameless", shows="*.Service.Service"),
    Ask("GET", "query/named/execute", shows="Nodes.*.Service.ID"),
    Ask("GET", "query/$nameless/execute", shows="Nodes.*.Service.ID"),
    Ask("GET", "query/named/explain", shows="Query.Name"),
    Ask("GET", "session/list", shows="*.Name"),
    Ask("GET", "session/info/$session", shows="*.Name"),
    Ask("GET", f"session/node/{NODE}", shows="*.Name"),
    Ask("GET", "event/list", shows="*.Name"),
    Ask("GET", "coordinate/datacenters"),
    Ask("GET", "coordinate/nodes"),
    Ask("GET", "operator/raft/configuration", shows="Servers.*.Node"),
    Ask("GET", "operator/autopilot/configuration"),
    Ask("GET", "operator/autopilot/health", shows="Healthy"),
    Ask("GET", "snapshot"),
    Ask("GET", "status/leader"),
    Ask("GET", "status/peers"),
    Ask("GET", "acl/tokens"),
    Ask("GET", "acl/token/self", shows="Description"),
    Ask("GET", "acl/token/00000000-0000-0000-0000-000000000002", shows="SecretID"),
    Ask("GET", "acl/policies"),
    Ask("GET", "acl/policy/name/operating", shows="Name"),
    Ask("GET", "acl/roles", shows="*.Name"),
    Ask("GET", "acl/role/name/operators", shows="Name"),
    Ask("GET", "acl/auth-methods"),
    Ask("GET", "acl/binding-rules"),
    Ask("GET", "acl/replication", shows="Enabled"),
    Ask("POST", "acl/rules/translate", b'key "" { policy = "read" }'),
    Ask("POST", "internal/acl/authorize", _JUDGED, "*.Allow"),
    Ask("GET", "internal/ui/nodes", shows="*.Node"),
    Ask("GET", f"internal/ui/node/{NODE}", shows="Services.*.ID"),
    Ask("GET", "internal/ui/services", shows="*.Name"),
    Ask("GET", "internal/ui/gateway-services-nodes/entry", shows="*.Name"),
    Ask("GET", "internal/federation-states"),
    Ask("GET", "kv/app/a?raw"),
    Ask("GET", "kv/app/secret?raw"),
    Ask("GET", "kv/zone/x", shows=_KV),
    Ask("GET", "kv/zone/?recurse", shows=_KV),
    Ask("GET", "kv/app?recurse", shows=_KV),
    Ask("GET", "kv/app/s?keys", shows="*"),
    Ask("GET", "kv/zone/?keys", shows="*"),
    Ask("PUT", "txn", [_kv("get", "app/secret")], "Results.*.KV.Key"),
    Ask("PUT", "txn", [_kv("get-tree", "zone/")], "Results.*.KV.Key"),
    Ask("PUT", "txn", [_kv("check-not-exists", "app/none")], "Results"),
    Ask("PUT", "txn", [{"Node": {"Verb": "get", "Node": {"Node": NODE}}}], "Results.*.Node.Node"),
    Ask("PUT", "txn", [{"Service": {"Verb": "get", "Node": NODE, "Service": {"ID": "db1"}}}], "Results.*.Service.ID"),
    Ask(
        "PUT",
        "txn",
        [{"Check": {"Verb": "get", "Check": {"Node": NODE, "CheckID": "disk"}}}],
        "Results.*.Check.CheckID",
    ),
    Ask("GET", "catalog/nodes?filter=Node==far", shows="*.Node"),
    Ask("GET", "catalog/service/web?tag=none", shows="*.ServiceID"),
    Ask("GET", "catalog/service/none", shows="*.ServiceID"),
    Ask("GET", "catalog/connect/db", shows="*.ServiceID"),
    Ask("GET", "catalog/node/none", shows="Services.keys"),
    Ask("GET", "catalog/node-services/far", shows="Services.*.ID"),
    Ask("GET", "health/node/far", shows="*.CheckID"),
    Ask("GET", "health/checks/db", shows="*.CheckID"),
    Ask("GET", "health/service/cache", shows="*.Service.ID"),
    Ask("GET", "health/service/none", shows="*.Service.ID"),
    Ask("GET", "health/service/web?filter=Service.ID==web1", shows="*.Service.ID"),
    Ask("GET", "health/connect/db", shows="*.Service.ID"),
    Ask("GET", "health/ingress/db", shows="*.Service.ID"),
    Ask("GET", "health/state/critical", shows="*.CheckID"),
    Ask("GET", "agent/services?filter=Service==web", shows="keys"),
    Ask("GET", "agent/checks?filter=CheckID==disk", shows="keys"),
    Ask("GET", "agent/health/service/id/db1", shows="Service.ID"),
    Ask("GET", "agent/connect/ca/leaf/cache", shows="Service"),
    Ask("GET", "connect/intentions/match?by=destination&name=web", shows="web.*.SourceName"),
    Ask("GET", "connect/intentions/match?by=source&name=db", shows="db.*.DestinationName"),
    Ask("GET", "connect/intentions/check?source=cache&destination=web", shows="Allowed"),
    Ask("GET", "config/service-resolver", shows="*.Name"),
    Ask("GET", "config/ingress-gateway", shows="*.Name"),
    Ask("GET", "config/terminating-gateway", shows="*.Name"),
    Ask("GET", "config/service-router/db", shows="Name"),
    Ask("GET", "discovery-chain/cache", shows="Chain.ServiceName"),
    Ask("GET", "query/$nameless/explain", shows="Query.Name"),
    Ask("GET", "query/none/execute", shows="Nodes.*.Service.ID"),
    Ask("GET", f"session/info/{NEVER}", shows="*.Name"),
    Ask("GET", "session/node/far", shows="*.Name"),
    Ask("GET", "event/list?name=deploy", shows="*.Name"),
    Ask("GET", "event/list?name=reboot", shows="*.Name"),
    Ask("GET", "coordinate/node/far"),
    Ask("GET", "acl/policy/name/none"),
    Ask("GET", "acl/role/name/none"),
    Ask("GET", "acl/auth-method/none"),
    Ask("GET", f"acl/binding-rule/{NEVER}"),
    Ask("GET", "acl/list"),
    Ask("GET", "internal/ui/node/far", shows="Services.*.ID"),
)

WRITES: Final = (
    Ask("PUT", "kv/app/w-$who", "x", "value"),
    Ask("PUT", "kv/other-$who", "x", "value"),
    Ask("PUT", "kv/app/secret/$who", "x", "value"),
    Ask("PUT", "kv/app/lock-$who?acquire=$session", "x", "value"),
    Ask("DELETE", "kv/app/none-$who", shows="value"),
    Ask("DELETE", "kv/app/none-$who?recurse", shows="value"),
    Ask("DELETE", "kv/none-$who?recurse", shows="value"),
    Ask("DELETE", "kv/app/s?recurse&cas=0"),
    Ask("PUT", "txn", [_kv("set", "app/t-$who", Value="eA=="), _kv("get", "app/a")], "Results.*.KV.Key"),
    Ask("PUT", "txn", [_kv("delete-tree", "app/none-$who")], "Results"),
    Ask(
        "PUT",
        "txn",
        [{"Node": {"Verb": "set", "Node": {"Node": "t-$who", "Address": "192.0.2.8"}}}],
        "Results.*.Node.Node",
    ),
    Ask("PUT", "catalog/register", {"Node": "r-$who", "Address": "192.0.2.7"}, "value"),
    Ask(
        "PUT",
        "catalog/register",
        {"Node": NODE, "Address": "127.0.0.1", "SkipNodeUpdate": True, "Service": {"ID": "c-$who", "Service": "web"}},
        "value",
    ),
    Ask(
        "PUT",
        "catalog/register",
        {
            "Node": NODE,
            "Address": "127.0.0.1",
            "SkipNodeUpdate": True,
            "Check": {"Name": "k-$who", "CheckID": "k-$who"},
        },
        "value",
    ),
    Ask("PUT", "catalog/deregister", {"Node": "none-$who"}, "value"),
    Ask("PUT", "catalog/deregister", {"Node": NODE, "ServiceID": "c-$who"}, "value"),
    Ask("PUT", "agent/service/register", {"ID": "w-$who", "Name": "web"}),
    Ask("PUT", "agent/service/register", {"ID": "d-$who", "Name": "db"}),
    Ask("PUT", "agent/service/deregister/w-$who"),
    Ask("PUT", "agent/service/deregister/db1-none"),
    Ask("PUT", "agent/service/maintenance/web1?enable=false"),
    Ask("PUT", "agent/service/maintenance/db1?enable=false"),
    Ask("PUT", "agent/maintenance?enable=false"),
    Ask("PUT", "agent/check/register", {"ID": "n-$who", "Name": "n", "TTL": "1h"}),
    Ask("PUT", "agent/check/register", {"ID": "v-$who", "Name": "v", "TTL": "1h", "ServiceID": "web1"}),
    Ask("PUT", "agent/check/pass/disk"),
    Ask("PUT", "agent/check/pass/web-up"),
    Ask("PUT", "agent/check/fail/web-up"),
    Ask("PUT", "agent/check/update/disk", {"Status": "passing", "Output": "x"}),
    Ask("PUT", "agent/check/update/web-up", {"Status": "passing", "Output": "x"}),
    Ask("PUT", "agent/service/deregister/d-$who"),
    Ask("PUT", "agent/check/warn/none-$who"),
    Ask("PUT", "agent/check/deregister/n-$who"),
    Ask("PUT", "agent/check/deregister/v-$who"),
    Ask("PUT", "agent/token/replication", {"Token": ""}),
    Ask("PUT", "agent/reload"),
    Ask(
        "POST",
        "agent/connect/authorize",
        {"Target": "db", "ClientCertURI": "spiffe://x.consul/ns/default/dc/dc1/svc/web", "ClientCertSerial": "01"},
        "Authorized",
    ),
    Ask(
        "POST",
        "agent/connect/authorize",
        {"Target": "web", "ClientCertURI": "spiffe://x.consul/ns/default/dc/dc1/svc/web", "ClientCertSerial": "01"},
        "Authorized",
    ),
    Ask("POST", "connect/intentions", {"SourceName": "$who", "DestinationName": "db", "Action": "allow"}),
    Ask("POST", "connect/intentions", {"SourceName": "$who", "DestinationName": "web", "Action": "allow"}),
    Ask("PUT", "connect/intentions/$intention", {"SourceName": "web", "DestinationName": "db", "Action": "allow"}),
    Ask("PUT", "connect/ca/configuration", {"Provider": "nonsense"}),
    Ask("PUT", "config", {"Kind": "service-defaults", "Name": "web", "Protocol": "tcp"}, "value"),
    Ask("PUT", "config", {"Kind": "proxy-defaults", "Name": "global"}, "value"),
    Ask("PUT", "config", {"Kind": "ingress-gateway", "Name": "other", "Listeners": []}, "value"),
    Ask("DELETE", "config/service-defaults/none-$who"),
    Ask("POST", "query", {"Name": "named-$who", "Service": {"Service": "web"}}),
    Ask("PUT", "query/$query", {"Name": "named", "Service": {"Service": "web"}}),
    Ask("DELETE", f"query/{NEVER}"),
    Ask("PUT", "session/create", {"Name": "$who"}),
    Ask("PUT", "session/create", {"Name": "$who", "Node": "far", "Checks": []}),
    Ask("PUT", "session/renew/$session", shows="*.Name"),
    Ask("PUT", f"session/destroy/{NEVER}", shows="value"),
    Ask("PUT", "event/fire/deploy", b"x", "Name"),
    Ask("PUT", "event/fire/reboot", b"x", "Name"),
    Ask(
        "PUT",
        "coordinate/update",
        {"Node": NODE, "Coord": {"Vec": [0, 0, 0, 0, 0, 0, 0, 0], "Error": 1.5, "Adjustment": 0, "Height": 0}},
    ),
    Ask("PUT", "operator/autopilot/configuration", {"CleanupDeadServers": True}),
    Ask("DELETE", "operator/raft/peer?address=192.0.2.1:1"),
    Ask("PUT", "snapshot", b""),
    Ask("PUT", "acl/token", {"Description": "$who"}, "Description"),
    Ask("PUT", "acl/policy", {"Name": "p-$who"}, "Name"),
    Ask("PUT", "acl/role", {"Name": "r-$who"}, "Name"),
    Ask("DELETE", f"acl/token/{NEVER}", shows="value"),
    Ask("DELETE", f"acl/policy/{NEVER}", shows="value"),
    Ask("PUT", "acl/bootstrap"),
    Ask("PUT", "acl/token/00000000-0000-0000-0000-000000000002/clone", {"Description": "$who"}, "Description"),
    Ask("PUT", "kv/app/n-$who?cas=0", "x", "value"),
    Ask("PUT", "kv/app/lock-$who?release=$session", "x", "value"),
    Ask("DELETE", "kv/zone/none-$who", shows="value"),
    Ask("DELETE", "kv/app/none-$who?cas=1", shows="value"),
    Ask("PUT", "txn", [_kv("set", "app/u-$who", Value="eA=="), _kv("set", "other-u-$who", Value="eA==")], _TXN_KEYS),
    Ask("PUT", "txn", [_kv("cas", "app/v-$who", Value="eA==", Index=0)], _TXN_KEYS),
    Ask("PUT", "txn", [_kv("delete", "app/v-$who")], "Results"),
    Ask(
        "PUT",
        "txn",
        [{"Service": {"Verb": "set", "Node": NODE, "Service": {"ID": "t-$who", "Service": "web"}}}],
        "Results.*.Service.ID",
    ),
    Ask(
        "PUT",
        "txn",
        [{"Service": {"Verb": "set", "Node": NODE, "Service": {"ID": "u-$who", "Service": "db"}}}],
        "Results.*.Service.ID",
    ),
    Ask(
        "PUT",
        "txn",
        [{"Service": {"Verb": "delete", "Node": NODE, "Service": {"ID": "t-$who", "Service": "web"}}}],
        "Results",
    ),
    Ask(
        "PUT",
        "txn",
        [{"Check": {"Verb": "set", "Check": {"Node": NODE, "CheckID": "t-$who", "Name": "t", "Status": "passing"}}}],
        "Results.*.Check.CheckID",
    ),
    Ask("PUT", "txn", [{"Node": {"Verb": "delete", "Node": {"Node": "t-$who"}}}], "Results"),
    Ask(
        "PUT",
        "catalog/register",
        {"Node": NODE, "Address": "127.0.0.1", "SkipNodeUpdate": True, "Service": {"ID": "e-$who", "Service": "db"}},
        "value",
    ),
    Ask(
        "PUT",
        "catalog/register",
        {"Node": "far", "Address": "192.0.2.9", "SkipNodeUpdate": True, "Service": {"Service": "cache"}},
        "value",
    ),
    Ask("PUT", "catalog/deregister", {"Node": NODE, "CheckID": "k-$who"}, "value"),
    Ask("PUT", "agent/force-leave/none-$who"),
    Ask("DELETE", f"connect/intentions/{NEVER}"),
    Ask("PUT", "config", {"Kind": "service-resolver", "Name": "web"}, "value"),
    Ask("PUT", "config", {"Kind": "service-resolver", "Name": "db"}, "value"),
    Ask("DELETE", "config/ingress-gateway/none-$who"),
    Ask("POST", "query", {"Session": "$session", "Service": {"Service": "web"}}),
    Ask("DELETE", f"acl/role/{NEVER}", shows="value"),
    Ask("DELETE", "acl/auth-method/none-$who", shows="value"),
    Ask("DELETE", f"acl/binding-rule/{NEVER}", shows="value"),
    Ask("PUT", "acl/auth-method", {"Name": "m-$who", "Type": "nonsense"}),
    Ask("PUT", "acl/binding-rule", {"AuthMethod": "none", "BindType": "service", "BindName": "web"}),
)

_BY_ID: Final = "Consul judges instances by their ids there, and by the names of their services everywhere else"
_UNKNOWN: Final = "a token that nobody knows is refused as such, wherever it is judged"

DIFFERS: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    f"GET catalog/node/{NODE}": {
        "denied some": ("200 consul web1", _BY_ID),
        "node writer": ("200 web1", _BY_ID),
    },
    "GET coordinate/datacenters": {"unknown": ("403", _UNKNOWN)},
    "GET query/none/execute": {"unknown": ("403", _UNKNOWN)},
    "PUT event/fire/deploy x": {"unknown": ("403", _UNKNOWN)},
    "PUT event/fire/reboot x": {"unknown": ("403", _UNKNOWN)},
}
"""What Lictor gives on purpose where Consul gives something else: by request and token the verdict, and why."""
