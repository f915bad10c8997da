"""`acl ...`, `login`, `logout` beside an agent with access control."""

from dataclasses import replace

from tests.compat.scenarios.http.acl import CONFIG, MANAGEMENT, NEVER, fixed
from tests.compat.scenarios.http.acl_methods import BEARER, KEY
from tests.support.recorder.cli_scenario import CliScenario, Command
from tests.support.recorder.scenario import Step

_RULES = 'key_prefix "" { policy = "read" }'
_SETTINGS = (
    '{"JWTValidationPubKeys": ["'
    + KEY.replace("\n", "\\n")
    + '"], "JWTSupportedAlgs": ["ES256"], "BoundIssuer": "corp", "BoundAudiences": ["lictor-tests"], '
    '"ClaimMappings": {"who": "who"}}'
)


def _acl(
    name: str,
    *arguments: str,
    token: str = MANAGEMENT,
    stdin: str = "",
    files: dict[str, str] | None = None,
    own_words: bool = False,
    differs: dict[str, str] | None = None,
) -> Command:
    """`acl` with its sub-commands, then the token, then the rest."""
    words = [word for word in arguments if not word.startswith("-")]
    place = next((place for place, word in enumerate(arguments) if word.startswith("-")), len(arguments))
    place = min(place, 2 if words[0] in _GROUPS else 1)
    shown = (f"-token={token}",) if token else ()
    return Command(
        name,
        ("acl", *arguments[:place], *shown, *arguments[place:]),
        stdin=stdin,
        files=files or {},
        own_words=own_words,
        differs=differs or {},
    )


def _older(command: Command) -> Command:
    about = {"stdout.4": "Consul does not know when an older token was made"}
    return replace(command, differs=about, agent_differs=True)


def _in_any_order(name: str, *arguments: str) -> Command:
    return replace(_acl(name, *arguments), unordered=True)


_GROUPS = ("token", "policy", "role", "auth-method", "binding-rule")


def _saved(name: str, path: str, save: dict[str, str]) -> Step:
    return Step(name, "GET", f"/v1/acl/{path}", headers={"X-Consul-Token": MANAGEMENT}, save=save)


_POLICIES = (
    _acl("a policy", "policy", "create", "-name=keys", "-description=d", f"-rules={_RULES}"),
    _saved("its id", "policy/name/keys", {"keys": "body:ID"}),
    _acl(
        "a policy from a file",
        "policy",
        "create",
        "-name=filed",
        "-rules=@rules.hcl",
        files={"rules.hcl": 'node_prefix "" { policy = "read" }\n'},
    ),
    _acl("a policy from stdin", "policy", "create", "-name=typed", "-rules=-", stdin='operator = "read"'),
    _acl(
        "a policy of a datacenter", "policy", "create", "-name=placed", "-valid-datacenter=dc1", "-valid-datacenter=dc2"
    ),
    _acl("a policy with all that is known", "policy", "create", "-name=told", "-meta"),
    _acl("a policy as json", "policy", "create", "-name=json", "-format=json", "-rules=" + _RULES),
    _acl("a policy without a name", "policy", "create", "-rules=" + _RULES),
    _acl("a policy with a taken name", "policy", "create", "-name=keys"),
    _acl("a policy with bad rules", "policy", "create", "-name=bad", "-rules=key {"),
    _acl("a policy from no file", "policy", "create", "-name=bad", "-rules=@nope.hcl"),
    _acl("a policy of who may not", "policy", "create", "-name=bad", token=""),
    _acl("a policy is read by name", "policy", "read", "-name=keys"),
    _acl("a policy is read by id", "policy", "read", "-id=$keys"),
    _acl("a policy is read with all", "policy", "read", "-name=placed", "-meta"),
    _acl("a policy is read as json", "policy", "read", "-name=placed", "-format=json"),
    _acl("a policy is read that is not there", "policy", "read", "-name=nope"),
    _acl("a policy is read by an id that is not there", "policy", "read", f"-id={NEVER}"),
    _acl("no policy is read", "policy", "read"),
    _acl("a policy is updated", "policy", "update", "-id=$keys", "-description=e"),
    _acl("a policy is updated by name", "policy", "update", "-name=typed", "-description=t"),
    _acl("a policy is updated whole", "policy", "update", "-id=$keys", "-no-merge", "-name=keys", f"-rules={_RULES}"),
    _acl("no policy is updated", "policy", "update", "-description=x"),
    _acl("a policy is updated that is not there", "policy", "update", f"-id={NEVER}", "-description=x"),
    _acl("a policy is deleted by name", "policy", "delete", "-name=filed"),
    _acl("a policy is deleted that is not there", "policy", "delete", "-name=filed"),
    _acl("no policy is deleted", "policy", "delete"),
    _acl("policies of who may not", "policy", "list", token=""),
    _acl("policies in an unknown form", "policy", "list", "-format=xml"),
    _acl("policy alone", "policy", token="", own_words=True),
)

_ROLES = (
    _acl("a role", "role", "create", "-name=reader", "-description=d", "-policy-name=keys"),
    _saved("the role's id", "role/name/reader", {"reader": "body:ID"}),
    _acl(
        "a role of identities",
        "role",
        "create",
        "-name=mixed",
        "-service-identity=web",
        "-service-identity=db:dc1,dc2",
        "-node-identity=n1:dc1",
    ),
    _acl("a role as json", "role", "create", "-name=json", "-policy-id=$keys", "-format=json"),
    _acl("a role with all", "role", "create", "-name=told", "-policy-id=$keys", "-meta"),
    _acl("a role without a name", "role", "create", "-policy-name=keys"),
    _acl("a role of nothing", "role", "create", "-name=empty"),
    _acl("a role of a policy that is not there", "role", "create", "-name=bad", "-policy-name=nope"),
    _acl("a role of a node nowhere", "role", "create", "-name=bad", "-node-identity=n1"),
    _acl("a role of a bad service", "role", "create", "-name=bad", "-service-identity=a:b:c"),
    _acl("a role is read", "role", "read", "-name=mixed"),
    _acl("a role is read by id", "role", "read", "-id=$reader", "-meta"),
    _acl("a role is read as json", "role", "read", "-name=reader", "-format=json"),
    _acl("a role is read that is not there", "role", "read", "-name=nope"),
    _acl("no role is read", "role", "read"),
    _acl("a role is updated", "role", "update", "-id=$reader", "-description=e", "-service-identity=api"),
    _acl("a role is updated whole", "role", "update", "-id=$reader", "-no-merge", "-name=reader", "-policy-name=typed"),
    _acl("a role is updated whole without a name", "role", "update", "-id=$reader", "-no-merge"),
    _acl("no role is updated", "role", "update", "-description=e"),
    _acl("a role is deleted", "role", "delete", "-name=json"),
    _acl("a role is deleted by id", "role", "delete", "-id=$reader"),
    _acl("no role is deleted", "role", "delete"),
    _acl("a role is deleted that is not there", "role", "delete", "-name=nope"),
    _acl("a role is deleted once more", "role", "delete", "-id=$reader"),
    _acl("role alone", "role", token="", own_words=True),
)


def _ids(number: int) -> tuple[str, str]:
    return f"-accessor={fixed(number)}", f"-secret={fixed(number + 0x1000)}"


_TOKENS = (
    _acl("a token", "token", "create", *_ids(1), "-description=d", "-policy-name=keys"),
    _acl("a token of a role", "token", "create", *_ids(2), "-role-name=mixed", "-local"),
    _acl(
        "a token of identities",
        "token",
        "create",
        *_ids(3),
        "-service-identity=web",
        "-service-identity=db:dc1",
        "-node-identity=n1:dc1",
    ),
    _acl("a token that ends", "token", "create", *_ids(4), "-expires-ttl=2h"),
    _acl("a token as json", "token", "create", *_ids(5), "-policy-id=$keys", "-format=json"),
    _acl("a token with all", "token", "create", *_ids(6), "-policy-id=$keys", "-meta"),
    _acl("a token that ends and has a policy", "token", "create", *_ids(7), "-expires-ttl=2h", "-policy-name=keys"),
    _acl("a token of nothing", "token", "create"),
    _acl("a token of a policy that is not there", "token", "create", "-policy-name=nope"),
    _acl("a token of an id that is not there", "token", "create", "-policy-id=ffff"),
    _acl("a token of a node nowhere", "token", "create", "-node-identity=n1"),
    _acl("a token with a taken accessor", "token", "create", f"-accessor={fixed(1)}", "-policy-name=keys"),
    _acl("a token that ends at no time", "token", "create", "-policy-name=keys", "-expires-ttl=soon"),
    _acl("a token of who may not", "token", "create", "-policy-name=keys", token=""),
    _acl("a token of who is unknown", "token", "create", "-policy-name=keys", token=NEVER),
    _acl("a token is read", "token", "read", f"-id={fixed(1)}"),
    _acl("a token is read by its first digits", "token", "read", "-id=00000003-1"),
    _acl("a token is read by too few digits", "token", "read", "-id=0000000"),
    _acl("the anonymous is read", "token", "read", "-id=anonymous"),
    _acl("one's own is read", "token", "read", "-self", token=fixed(0x1002)),
    _acl("a token is read as json", "token", "read", f"-id={fixed(3)}", "-format=json"),
    _acl("a token is read with all", "token", "read", f"-id={fixed(3)}", "-meta"),
    _acl("a token is read that is not there", "token", "read", f"-id={NEVER}"),
    _acl("no token is read", "token", "read"),
    _acl(
        "a token is updated",
        "token",
        "update",
        f"-id={fixed(1)}",
        "-description=e",
        "-merge-policies",
        "-policy-name=typed",
    ),
    _acl(
        "a token is updated in its roles",
        "token",
        "update",
        f"-id={fixed(1)}",
        "-role-name=mixed",
        "-merge-roles",
        "-merge-policies",
        "-description=e",
    ),
    _acl(
        "a token is updated in its identities",
        "token",
        "update",
        f"-id={fixed(3)}",
        "-merge-service-identities",
        "-service-identity=api",
        "-merge-node-identities",
        "-node-identity=n2:dc1",
    ),
    _acl("a token loses what is not said", "token", "update", f"-id={fixed(1)}", "-description=f"),
    _acl(
        "a token is updated as json",
        "token",
        "update",
        f"-id={fixed(1)}",
        "-description=g",
        "-policy-name=keys",
        "-format=json",
    ),
    _acl(
        "the anonymous is updated",
        "token",
        "update",
        "-id=anonymous",
        "-description=Anonymous Token",
        "-policy-name=keys",
    ),
    _acl("no token is updated", "token", "update", "-description=x"),
    _acl("a token is updated that is not there", "token", "update", f"-id={NEVER}", "-description=x"),
    _acl("a token is copied", "token", "clone", f"-id={fixed(3)}"),
    _acl(
        "a token is copied with a description", "token", "clone", f"-id={fixed(3)}", "-description=copy", "-format=json"
    ),
    _acl("no token is copied", "token", "clone"),
    _acl("a token is copied that is not there", "token", "clone", f"-id={NEVER}"),
    _acl("a token is deleted", "token", "delete", f"-id={fixed(5)}"),
    _acl("a token is deleted by its first digits", "token", "delete", "-id=00000006"),
    _acl("a token is deleted that is not there", "token", "delete", f"-id={NEVER}"),
    _acl("no token is deleted", "token", "delete"),
    _acl("the anonymous is not deleted", "token", "delete", "-id=anonymous"),
    _acl("tokens of who may not", "token", "list", token=""),
    _acl("token alone", "token", token="", own_words=True),
    Command("acl alone", ("acl",), own_words=True),
)

_METHODS = (
    _acl(
        "an auth method",
        "auth-method",
        "create",
        "-type=jwt",
        "-name=jwt",
        "-description=d",
        "-config=@jwt.json",
        files={"jwt.json": _SETTINGS},
    ),
    _acl(
        "an auth method with all",
        "auth-method",
        "create",
        "-type=jwt",
        "-name=other",
        "-display-name=n",
        "-max-token-ttl=5m",
        "-token-locality=global",
        "-config=-",
        "-meta",
        stdin=_SETTINGS,
    ),
    _acl(
        "an auth method as json",
        "auth-method",
        "create",
        "-type=jwt",
        "-name=json",
        "-config=@jwt.json",
        "-format=json",
    ),
    _acl("an auth method without a type", "auth-method", "create", "-name=bad"),
    _acl("an auth method without a name", "auth-method", "create", "-type=jwt"),
    _acl("an auth method of bad settings", "auth-method", "create", "-type=jwt", "-name=bad", "-config={"),
    _acl("a kubernetes without its host", "auth-method", "create", "-type=kubernetes", "-name=bad"),
    _acl("an auth method is read", "auth-method", "read", "-name=jwt"),
    _acl("an auth method is read with all", "auth-method", "read", "-name=other", "-meta"),
    _acl("an auth method is read as json", "auth-method", "read", "-name=jwt", "-format=json"),
    _acl("an auth method is read that is not there", "auth-method", "read", "-name=nope"),
    _acl("no auth method is read", "auth-method", "read"),
    _acl("auth methods", "auth-method", "list"),
    _acl("auth methods with all", "auth-method", "list", "-meta"),
    _acl("auth methods as json", "auth-method", "list", "-format=json"),
    _acl("an auth method is updated", "auth-method", "update", "-name=jwt", "-description=e"),
    _acl("an auth method is updated whole", "auth-method", "update", "-name=jwt", "-no-merge", "-config=@jwt.json"),
    _acl("an auth method is updated that is not there", "auth-method", "update", "-name=nope", "-description=e"),
    _acl("no auth method is updated", "auth-method", "update", "-description=e"),
    _acl("an auth method is deleted", "auth-method", "delete", "-name=json"),
    _acl("an auth method is deleted that is not there", "auth-method", "delete", "-name=nope"),
    _acl("no auth method is deleted", "auth-method", "delete"),
    _acl("auth-method alone", "auth-method", token="", own_words=True),
    _acl(
        "a binding rule",
        "binding-rule",
        "create",
        "-method=jwt",
        "-bind-type=service",
        "-bind-name=s-${value.who}",
        "-description=d",
    ),
    Step(
        "its id is found",
        "GET",
        "/v1/acl/binding-rules",
        headers={"X-Consul-Token": MANAGEMENT},
        save={"rule": "body:0.ID"},
    ),
    _acl("binding rules", "binding-rule", "list"),
    _acl(
        "a binding rule with all",
        "binding-rule",
        "create",
        "-method=other",
        "-bind-type=role",
        "-bind-name=mixed",
        "-selector=value.who==web",
        "-meta",
    ),
    _acl(
        "a binding rule as json",
        "binding-rule",
        "create",
        "-method=other",
        "-bind-type=node",
        "-bind-name=n",
        "-format=json",
    ),
    _acl("a binding rule without a method", "binding-rule", "create", "-bind-type=role", "-bind-name=x"),
    _acl("a binding rule without a name to bind", "binding-rule", "create", "-method=jwt", "-bind-type=role"),
    _acl("a binding rule is read", "binding-rule", "read", "-id=$rule"),
    _acl("a binding rule is read as json", "binding-rule", "read", "-id=$rule", "-format=json"),
    _acl("a binding rule is read that is not there", "binding-rule", "read", f"-id={NEVER}"),
    _acl("no binding rule is read", "binding-rule", "read"),
    _acl("binding rules of a method", "binding-rule", "list", "-method=jwt"),
    _acl("binding rules of a method with all", "binding-rule", "list", "-method=jwt", "-meta"),
    _acl("binding rules of a method as json", "binding-rule", "list", "-method=jwt", "-format=json"),
    _acl("a binding rule without a type", "binding-rule", "create", "-method=jwt", "-bind-name=x"),
    _acl("a binding rule is updated", "binding-rule", "update", "-id=$rule", "-selector=value.who==web"),
    _acl(
        "a binding rule is updated whole",
        "binding-rule",
        "update",
        "-id=$rule",
        "-no-merge",
        "-bind-type=service",
        "-bind-name=s-${value.who}",
    ),
    _acl("no binding rule is updated", "binding-rule", "update", "-selector=x"),
    _acl("a binding rule is updated that is not there", "binding-rule", "update", f"-id={NEVER}", "-description=x"),
    _acl("binding-rule alone", "binding-rule", token="", own_words=True),
)

_LOGINS = (
    Command(
        "a login",
        ("login", "-method=jwt", "-bearer-token-file=bearer", "-token-sink-file=sink"),
        files={"bearer": BEARER},
    ),
    Command(
        "a login with metadata",
        ("login", "-method=jwt", "-bearer-token-file=bearer", "-token-sink-file=sink2", "-meta=a=b"),
    ),
    Command("a login without a method", ("login", "-bearer-token-file=bearer", "-token-sink-file=sink2")),
    Command("a login without a bearer token", ("login", "-method=jwt", "-token-sink-file=sink2")),
    Command("a login without a sink", ("login", "-method=jwt", "-bearer-token-file=bearer")),
    Command("a login from no file", ("login", "-method=jwt", "-bearer-token-file=nope", "-token-sink-file=sink2")),
    Command(
        "a login from an empty file",
        ("login", "-method=jwt", "-bearer-token-file=empty", "-token-sink-file=sink2"),
        files={"empty": ""},
    ),
    Command(
        "a login by an unknown method", ("login", "-method=nope", "-bearer-token-file=bearer", "-token-sink-file=sink2")
    ),
    Command("one's own token from the sink", ("acl", "token", "read", "-self", "-token-file=sink")),
    Command("a logout", ("logout", "-token-file=sink")),
    Command("a logout once more", ("logout", "-token-file=sink")),
    Command("a logout without a token", ("logout",)),
    Command("a logout of a token of no login", ("logout", f"-token={MANAGEMENT}")),
    _acl("a binding rule is deleted", "binding-rule", "delete", "-id=$rule"),
    _acl("a binding rule is deleted that is not there", "binding-rule", "delete", f"-id={NEVER}"),
    _acl("no binding rule is deleted", "binding-rule", "delete"),
)

_OTHERS = (
    _acl("rules are translated", "translate-rules", 'key "" { policy = "write" } operator = "read"'),
    _acl("rules of a file", "translate-rules", "@old.hcl", files={"old.hcl": 'service "web" { policy = "write" }'}),
    _acl("rules of stdin", "translate-rules", "-", stdin='node "" { policy = "read" }'),
    _acl("rules of nothing", "translate-rules"),
    _acl("rules that are broken", "translate-rules", "key {"),
    Step(
        "an older token",
        "PUT",
        "/v1/acl/create",
        {"ID": fixed(0x77), "Name": "old", "Type": "client", "Rules": 'key "a" { policy = "read" }'},
        {"X-Consul-Token": MANAGEMENT},
    ),
    Step(
        "its accessor",
        "GET",
        "/v1/acl/token/self",
        headers={"X-Consul-Token": fixed(0x77)},
        save={"old": "body:AccessorID"},
        until_not='"AccessorID":""',
    ),
    _acl("rules of an older token", "translate-rules", "-token-accessor", "$old"),
    _acl("rules of an older token by its secret", "translate-rules", "-token-secret", fixed(0x77)),
    _acl("a policy of an older token", "policy", "create", "-name=of-old", "-from-token=$old"),
    _acl(
        "a policy of an older token by its secret",
        "policy",
        "create",
        "-name=of-secret",
        f"-from-token={fixed(0x77)}",
        "-token-secret",
    ),
    _older(_acl("an older token is read", "token", "read", "-id=$old")),
    _acl("an older token is updated", "token", "update", "-id=$old", "-description=x", "-policy-name=of-old"),
    _older(_acl("an older token is made new", "token", "update", "-id=$old", "-upgrade-legacy", "-policy-name=of-old")),
    _acl("the agent's default token", "set-agent-token", "default", fixed(0x1001)),
    _acl("the agent's own token", "set-agent-token", "agent", MANAGEMENT),
    _acl("the agent's master token", "set-agent-token", "master", fixed(0x99)),
    _acl("the agent's token for replication", "set-agent-token", "replication", fixed(0x99)),
    _acl("no such token of the agent", "set-agent-token", "other", "x"),
    _acl("an agent's token without a token", "set-agent-token", "default"),
    _acl("no token of the agent", "set-agent-token"),
    _acl("the agent's default token no more", "set-agent-token", "default", ""),
    _acl("a bootstrap is refused", "bootstrap", token=""),
)

SCENARIO = CliScenario("acl", "Policies and roles on the command line.", (*_POLICIES, *_ROLES), CONFIG)
TOKENS = CliScenario(
    "acl_tokens",
    "Tokens on the command line, and what is older.",
    (
        _acl("a first policy", "policy", "create", "-name=keys", f"-rules={_RULES}"),
        _saved("its id", "policy/name/keys", {"keys": "body:ID"}),
        _acl("a second policy", "policy", "create", "-name=typed"),
        _acl("a first role", "role", "create", "-name=mixed", "-service-identity=web"),
        *_TOKENS,
        *_OTHERS,
    ),
    CONFIG,
)
METHODS = CliScenario("acl_methods", "Auth methods and logins on the command line.", (*_METHODS, *_LOGINS), CONFIG)
BOOTSTRAP = CliScenario(
    "acl_bootstrap",
    "The first token of a cluster, and what there is then.",
    (
        Command("the first token", ("acl", "bootstrap")),
        Command("there is no second", ("acl", "bootstrap")),
        Command("who shows no token", ("acl", "token", "list")),
    ),
    {"primary_datacenter": "dc1", "acl": {"enabled": True, "default_policy": "allow"}},
)
LISTS = CliScenario(
    "acl_lists",
    "Lists of what is kept, of a cluster that has just begun.",
    (
        _acl("policies at the start", "policy", "list"),
        _acl("policies at the start with all", "policy", "list", "-meta"),
        _acl("policies at the start as json", "policy", "list", "-format=json"),
        _acl("roles at the start", "role", "list"),
        _acl("a role in a list", "role", "create", "-name=mixed", "-service-identity=web", "-node-identity=n:dc1"),
        _acl("roles", "role", "list"),
        _acl("roles with all", "role", "list", "-meta"),
        _acl("roles as json", "role", "list", "-format=json"),
        _acl("auth methods at the start", "auth-method", "list"),
        _acl("binding rules at the start", "binding-rule", "list"),
        _in_any_order("tokens at the start", "token", "list"),
        _in_any_order("tokens with all", "token", "list", "-meta"),
        _in_any_order("tokens as json", "token", "list", "-format=json"),
    ),
    CONFIG,
)
OFF = CliScenario(
    "acl_off",
    "Commands of access control where there is none.",
    (
        Command("a bootstrap", ("acl", "bootstrap")),
        Command("tokens", ("acl", "token", "list")),
        Command("a policy is made", ("acl", "policy", "create", "-name=x")),
        Command("an agent's token", ("acl", "set-agent-token", "default", "x")),
        Command("rules are translated where there are none", ("acl", "translate-rules", 'key "" { policy = "read" }')),
        Command("a login", ("login", "-method=x", "-bearer-token-file=b", "-token-sink-file=s"), files={"b": "x"}),
        Command("a logout", ("logout", "-token=x")),
    ),
)
