"""`/v1/acl/policy*`, `/v1/acl/policies`, `/v1/acl/role*`, `/v1/acl/roles`, `/v1/acl/rules/translate`."""

from tests.compat.scenarios.http.acl import CONFIG, MANAGEMENT, NEVER, step
from tests.support.recorder.json_types import Json
from tests.support.recorder.scenario import Scenario, Step

_GLOBAL = "00000000-0000-0000-0000-000000000001"
_ALL = ("body",)

_RULES = {
    "hcl": 'service "web" { policy = "write" intentions = "read" }',
    "json": '{"key_prefix": {"": {"policy": "read"}}}',
    "empty": "",
    "of every kind": """
acl = "read" keyring = "read" operator = "write"
agent "a" { policy = "write" } agent_prefix "" { policy = "read" }
event "e" { policy = "write" } event_prefix "" { policy = "read" }
key "k" { policy = "write" } key_prefix "" { policy = "list" }
node "n" { policy = "write" } node_prefix "" { policy = "read" }
query "q" { policy = "write" } query_prefix "" { policy = "deny" }
service "s" { policy = "write" } service_prefix "" { policy = "read" }
session "x" { policy = "write" } session_prefix "" { policy = "read" }
""",
}
_BAD_RULES = {
    "not closed": 'service "web" {',
    "of an unknown resource": 'thing "web" { policy = "write" }',
    "with an unknown access": 'service "web" { policy = "own" }',
    "with a list of services": 'service "web" { policy = "list" }',
    "without an access": 'service "web" {}',
    "with an unknown word": 'service "web" { policy = "read" other = "x" }',
    "with bad intentions": 'service "web" { policy = "read" intentions = "list" }',
    "with a bad operator": 'operator = "list"',
    "with the mesh": 'mesh = "write"',
    "of numbers": "key = 5",
    "with a sentinel": 'key "a" { policy = "write" sentinel { code = "x" } }',
    "with a namespace": 'namespace "a" { policy = "write" }',
}
_BAD_NAMES = ("a b", "ä", "x" * 129, "", "a/b", "a.b")


def _policy(name: str, **more: Json) -> dict[str, Json]:
    return {"Name": name, "Rules": 'key_prefix "" { policy = "read" }', **more}


_POLICIES: tuple[Step, ...] = (
    step("the policy that is there from the start", "GET", f"acl/policy/{_GLOBAL}"),
    step("it by name", "GET", "acl/policy/name/global-management"),
    step("all at the start", "GET", "acl/policies"),
    *(
        step(
            f"a policy, {about}",
            "PUT",
            "acl/policy",
            {"Name": f"p{place}", "Rules": rules},
            save={f"p{place}": "body:ID"},
        )
        for place, (about, rules) in enumerate(_RULES.items())
    ),
    *(
        step(f"a policy {about}", "PUT", "acl/policy", {"Name": f"odd{place}", "Rules": rules})
        for place, (about, rules) in enumerate(_BAD_RULES.items())
    ),
    *(step(f"no policy of the name {name[:9]!r}", "PUT", "acl/policy", _policy(name)) for name in _BAD_NAMES),
    step(
        "a policy with all there is",
        "PUT",
        "acl/policy",
        _policy("full", Description="d", Datacenters=["dc1"]),
        save={"full": "body:ID"},
    ),
    step("a policy of another datacenter", "PUT", "acl/policy", _policy("far", Datacenters=["dc2", "dc9"])),
    step("a policy of a bad datacenter", "PUT", "acl/policy", _policy("bad-place", Datacenters=["d c"])),
    step("one with keys in lower case", "PUT", "acl/policy", {"name": "lower", "description": "x", "rules": ""}),
    step("one with a key that nobody knows", "PUT", "acl/policy", _policy("bad", Other=1)),
    step("one whose name is a number", "PUT", "acl/policy", {"Name": 5}),
    step("one whose rules are an object", "PUT", "acl/policy", {"Name": "bad", "Rules": {"key": 1}}),
    step("one that brings an id", "PUT", "acl/policy", _policy("bad", ID=NEVER)),
    step("one of a namespace", "PUT", "acl/policy", _policy("bad", Namespace="x")),
    step("one of the namespace that there is", "PUT", "acl/policy", _policy("spaced", Namespace="default")),
    step(
        "one with what the registry gives",
        "PUT",
        "acl/policy",
        _policy("given", Hash="x", CreateIndex=5, ModifyIndex=9),
    ),
    step("no policy at all", "PUT", "acl/policy", b""),
    step("a policy that is broken", "PUT", "acl/policy", b"{"),
    step("a policy that is null", "PUT", "acl/policy", b"null"),
    step("a policy that is a list", "PUT", "acl/policy", []),
    step("a name that is taken", "PUT", "acl/policy", _policy("full")),
    step("the policy by id", "GET", "acl/policy/$full"),
    step("the policy by name", "GET", "acl/policy/name/full"),
    step("a name that nothing has", "GET", "acl/policy/name/nope"),
    step("no name", "GET", "acl/policy/name/"),
    step("an id that nothing has", "GET", f"acl/policy/{NEVER}"),
    step("an id that is none", "GET", "acl/policy/x"),
    step("no id", "GET", "acl/policy/"),
    step("all, in short", "GET", "acl/policies", unordered=_ALL),
    step("all, pretty", "GET", "acl/policies?pretty", unordered=_ALL),
    step("all, stale", "GET", "acl/policies?stale", unordered=_ALL),
    step("all, consistent", "GET", "acl/policies?consistent", unordered=_ALL),
    step("all of another datacenter", "GET", "acl/policies?dc=dc2"),
    step("another text", "PUT", "acl/policy/$full", _policy("full", Description="e", Rules="")),
    step("the same once more", "PUT", "acl/policy/$full", _policy("full", Description="e", Rules="")),
    step("another name", "PUT", "acl/policy/$full", _policy("fuller")),
    step("a name that another has", "PUT", "acl/policy/$full", _policy("p0")),
    step("the id twice", "PUT", "acl/policy/$full", {**_policy("fuller"), "ID": "$full"}),
    step("two ids", "PUT", "acl/policy/$full", _policy("fuller", ID=NEVER)),
    step("an update of nothing", "PUT", f"acl/policy/{NEVER}", _policy("new")),
    step("an update without a name", "PUT", "acl/policy/$full", {"Description": "only"}),
    step("an update with bad rules", "PUT", "acl/policy/$full", _policy("fuller", Rules="x")),
    step("an update of no id", "PUT", "acl/policy/", _policy("new")),
    step(
        "the management policy with other rules",
        "PUT",
        f"acl/policy/{_GLOBAL}",
        {"Name": "global-management", "Rules": ""},
    ),
    step(
        "the management policy of one datacenter",
        "PUT",
        f"acl/policy/{_GLOBAL}",
        {"Name": "global-management", "Datacenters": ["dc1"]},
    ),
    step(
        "the management policy under another name", "PUT", f"acl/policy/{_GLOBAL}", {"Name": "root", "Description": "x"}
    ),
    step("the management policy is not deleted", "DELETE", f"acl/policy/{_GLOBAL}"),
    step("a policy goes", "DELETE", "acl/policy/$p0"),
    step("it is gone", "GET", "acl/policy/$p0"),
    step("it goes once more", "DELETE", "acl/policy/$p0"),
    step("no id goes", "DELETE", "acl/policy/"),
    step("who may not see them", "GET", "acl/policies", token=""),
    step("who may not see one", "GET", "acl/policy/$p1", token=""),
    step("who may not write one", "PUT", "acl/policy", _policy("bad"), token=""),
    step("who may not delete one", "DELETE", "acl/policy/$p1", token=""),
    step("who is unknown", "GET", "acl/policies", token=NEVER),
    step("who is unknown writes", "PUT", "acl/policy", _policy("bad"), token=NEVER),
    step(
        "a policy in bad json",
        "PUT",
        "acl/policy",
        {"Name": "broken", "Rules": '{"key": '},
        differs=dict.fromkeys(
            ("status", "headers.Content-Type", "content", "body"),
            "Consul takes it, and who has it then may do nothing: what cannot be read is refused here",
        ),
    ),
    step("the token as a parameter", "GET", f"acl/policy/$p1?token={MANAGEMENT}", token=""),
)

_ROLES: tuple[Step, ...] = (
    step("no roles", "GET", "acl/roles"),
    step(
        "a role of a policy by name",
        "PUT",
        "acl/role",
        {"Name": "r0", "Policies": [{"Name": "p1"}]},
        save={"r0": "body:ID"},
    ),
    step(
        "a role of a policy by id",
        "PUT",
        "acl/role",
        {"Name": "r1", "Description": "d", "Policies": [{"ID": "$p1"}]},
        save={"r1": "body:ID"},
    ),
    step(
        "a role with identities",
        "PUT",
        "acl/role",
        {
            "Name": "r2",
            "ServiceIdentities": [{"ServiceName": "web"}, {"ServiceName": "db", "Datacenters": ["dc1"]}],
            "NodeIdentities": [{"NodeName": "n1", "Datacenter": "dc1"}],
        },
        save={"r2": "body:ID"},
    ),
    step("a role of a policy twice", "PUT", "acl/role", {"Name": "r3", "Policies": [{"ID": "$p1"}, {"Name": "p1"}]}),
    step(
        "a role with an identity twice",
        "PUT",
        "acl/role",
        {"Name": "r4", "ServiceIdentities": [{"ServiceName": "a"}, {"ServiceName": "a", "Datacenters": ["dc1"]}]},
    ),
    step("a role of nothing", "PUT", "acl/role", {"Name": "r5"}),
    step("a role of a policy that is not there", "PUT", "acl/role", {"Name": "bad", "Policies": [{"Name": "nope"}]}),
    step("a role of an id that is not there", "PUT", "acl/role", {"Name": "bad", "Policies": [{"ID": NEVER}]}),
    step("a role of a link to nothing", "PUT", "acl/role", {"Name": "bad", "Policies": [{}]}),
    step("a role of a link that is a text", "PUT", "acl/role", {"Name": "bad", "Policies": ["p1"]}),
    step("a role of a service without a name", "PUT", "acl/role", {"Name": "bad", "ServiceIdentities": [{}]}),
    step(
        "a role of a service with a bad name",
        "PUT",
        "acl/role",
        {"Name": "bad", "ServiceIdentities": [{"ServiceName": "A B"}]},
    ),
    step(
        "a role of a node without a datacenter",
        "PUT",
        "acl/role",
        {"Name": "bad", "NodeIdentities": [{"NodeName": "n"}]},
    ),
    step(
        "a role of a node without a name", "PUT", "acl/role", {"Name": "bad", "NodeIdentities": [{"Datacenter": "dc1"}]}
    ),
    step(
        "a role of a node with a bad name",
        "PUT",
        "acl/role",
        {"Name": "bad", "NodeIdentities": [{"NodeName": "N 1", "Datacenter": "dc1"}]},
    ),
    *(
        step(f"no role of the name {name[:9]!r}", "PUT", "acl/role", {"Name": name, "Policies": [{"Name": "p1"}]})
        for name in _BAD_NAMES
    ),
    step("a role with a taken name", "PUT", "acl/role", {"Name": "r0", "Policies": [{"Name": "p1"}]}),
    step("a role that brings an id", "PUT", "acl/role", {"Name": "bad", "ID": NEVER, "Policies": [{"Name": "p1"}]}),
    step("a role with a key that nobody knows", "PUT", "acl/role", {"Name": "bad", "Other": 1}),
    step("no role at all", "PUT", "acl/role", b""),
    step("a role that is broken", "PUT", "acl/role", b"[1"),
    step("the role by id", "GET", "acl/role/$r0"),
    step("the role by name", "GET", "acl/role/name/r2"),
    step("a role name that nothing has", "GET", "acl/role/name/nope"),
    step("no role name", "GET", "acl/role/name/"),
    step("a role id that nothing has", "GET", f"acl/role/{NEVER}"),
    step("a role id that is none", "GET", "acl/role/x"),
    step("all roles", "GET", "acl/roles", unordered=_ALL),
    step("roles of a policy", "GET", "acl/roles?policy=$p1", unordered=_ALL),
    step("roles of a policy that is not there", "GET", f"acl/roles?policy={NEVER}"),
    step("roles of a policy by name", "GET", "acl/roles?policy=p1"),
    step(
        "another role",
        "PUT",
        "acl/role/$r0",
        {"Name": "r0", "Description": "new", "ServiceIdentities": [{"ServiceName": "api"}]},
    ),
    step("a role under another name", "PUT", "acl/role/$r0", {"Name": "renamed", "Policies": [{"Name": "p1"}]}),
    step("a role under a taken name", "PUT", "acl/role/$r0", {"Name": "r1", "Policies": [{"Name": "p1"}]}),
    step("a role with two ids", "PUT", "acl/role/$r0", {"ID": NEVER, "Name": "r1", "Policies": [{"Name": "p1"}]}),
    step("an update of no role", "PUT", f"acl/role/{NEVER}", {"Name": "new", "Policies": [{"Name": "p1"}]}),
    step("the policy of a role goes", "DELETE", "acl/policy/$p1"),
    step("the role without its policy", "GET", "acl/role/$r1"),
    step("all roles without it", "GET", "acl/roles", unordered=_ALL),
    step("a role goes", "DELETE", "acl/role/$r1"),
    step("the role is gone", "GET", "acl/role/$r1"),
    step("the role goes once more", "DELETE", "acl/role/$r1"),
    step("no role id goes", "DELETE", "acl/role/"),
    step("who may not see roles", "GET", "acl/roles", token=""),
    step("who may not see a role", "GET", "acl/role/$r2", token=""),
    step("who may not write a role", "PUT", "acl/role", {"Name": "bad", "Policies": [{"Name": "p2"}]}, token=""),
    step("who may not delete a role", "DELETE", "acl/role/$r2", token=""),
)

_OLD_RULES = {
    "one of each": b'agent "" { policy = "read" } key "a/" { policy = "write" } service "web" { policy = "write" } '
    b'node "n" { policy = "read" } event "" { policy = "read" } query "" { policy = "read" } '
    b'session "" { policy = "write" } keyring = "read" operator = "write"',
    "with comments": b'# of keys\nkey "a" { policy = "read" } // none\n',
    "in json": b'{"key": {"a/": {"policy": "read"}}, "operator": "read"}',
    "none": b"",
    "broken": b'key "',
    "new ones": b'key_prefix "a" { policy = "read" }',
    "with intentions": b'service "" { policy = "write" intentions = "read" }',
}

_TRANSLATED_ELSEWISE = {
    "with comments": {"body": "comments are left out"},
    "in json": {"body": "a name that needs no quotation marks has none"},
}

_TRANSLATION: tuple[Step, ...] = (
    *(
        step(
            f"older rules: {about}",
            "POST",
            "acl/rules/translate",
            rules,
            exact_text=about in ("one of each", "in json", "with intentions"),
            differs=_TRANSLATED_ELSEWISE.get(about, {}),
        )
        for about, rules in _OLD_RULES.items()
    ),
    step("who may not translate", "POST", "acl/rules/translate", _OLD_RULES["one of each"], token=""),
    step("rules of no token", "GET", f"acl/rules/translate/{NEVER}"),
    step("rules of no id", "GET", "acl/rules/translate/"),
)

SCENARIO = Scenario("acl_policies", "Policies, and what refuses them.", _POLICIES, CONFIG)
ROLES = Scenario(
    "acl_roles",
    "Roles, and the translation of older rules.",
    (
        step("a policy for roles", "PUT", "acl/policy", _policy("p1"), save={"p1": "body:ID"}),
        step("another policy for roles", "PUT", "acl/policy", _policy("p2"), save={"p2": "body:ID"}),
        *_ROLES,
        *_TRANSLATION,
    ),
    CONFIG,
)
