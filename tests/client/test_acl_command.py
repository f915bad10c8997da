"""`lictor acl`, `login`, `logout` beside an agent that denies by default; see also the recorded scenarios."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client.conftest import Command
from tests.compat.scenarios.http.acl import CONFIG, MANAGEMENT, NEVER
from tests.compat.scenarios.http.acl_methods import BEARER, KEY
from tests.support.agents import DevAgent, dev_agent
from tests.support.recorder.json_types import Json, as_list, as_object, at

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def guarded_agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevAgent]:
    """A running development agent with access control."""
    with dev_agent("lictor", tmp_path_factory.mktemp("agent"), CONFIG) as agent:
        yield agent


@pytest.fixture
def manager(lonely_command: Command, guarded_agent: DevAgent, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs a command line as who may do everything."""
    monkeypatch.setenv("LICTOR_HTTP_ADDR", guarded_agent.http_address)
    monkeypatch.setenv("LICTOR_HTTP_TOKEN", MANAGEMENT)
    return lonely_command


def made(manager: Command, *arguments: str) -> Json:
    """What a command that makes something prints as JSON."""
    printed = manager(*arguments, "-format=json")
    assert printed.exit_code == 0, printed.stderr
    answer: Json = json.loads(printed.stdout)
    return answer


def test_an_explanation_shows_each_rule_and_which_decides(manager: Command) -> None:
    rules = 'service_prefix "w" { policy = "read" } service "web" { policy = "deny" }'
    made(manager, "acl", "policy", "create", "-name=ops", f"-rules={rules}")
    made(manager, "acl", "role", "create", "-name=crew", "-policy-name=ops")
    accessor = str(at(made(manager, "acl", "token", "create", "-role-name=crew"), "AccessorID"))
    asked = ("acl", "explain", f"-token-accessor={accessor[:13]}")
    denied = manager(*asked, "-resource=service:web", "-access=write")
    assert denied.exit_code == 2
    assert denied.lines[:3] == [f"Token       {accessor}", 'Asked       service:write on "web"', "Verdict     denied"]
    table = [line.split("  ") for line in denied.lines[-2:]]
    assert [line[0] for line in table] == ["decides", ""]
    assert "ops by role crew" in denied.lines[-1]
    allowed = manager(*asked, "-resource=service:wiki", "-format=json")
    assert (allowed.exit_code, json.loads(allowed.stdout)["Allowed"]) == (0, True)
    own = manager("acl", "explain", "-self", "-resource=operator", "-access=write")
    assert (own.exit_code, "allowed" in own.stdout) == (0, True)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("-self",), "-resource is needed"),
        (("-resource=key:a",), "-token-accessor or -self is needed"),
        (("-resource=key:a", "-self", "-token-accessor=x"), "-token-accessor or -self is needed"),
        (("-resource=thing:a", "-self"), "Invalid ACL resource"),
        (("-resource=key:a", "-access=own", "-self"), "Invalid access level"),
    ],
)
def test_what_cannot_be_explained_is_said(manager: Command, words: tuple[str, ...], reason: str) -> None:
    printed = manager("acl", "explain", *words)
    assert (printed.exit_code, printed.stdout, reason in printed.stderr) == (1, "", True)


def test_a_refusal_says_how_to_have_it_explained(manager: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    token = made(manager, "acl", "token", "create", "-service-identity=web")
    monkeypatch.setenv("LICTOR_HTTP_TOKEN", str(at(token, "SecretID")))
    refused = manager("kv", "put", "app/a", "1")
    assert refused.exit_code == 1
    asked = f"lictor acl explain -token-accessor={at(token, 'AccessorID')} -resource=key:app/a -access=write"
    assert asked in refused.stderr
    assert str(at(token, "SecretID")) not in refused.stderr


def test_a_token_may_come_from_a_file_that_the_environment_names(
    manager: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("LICTOR_HTTP_TOKEN")
    assert manager("acl", "token", "read", "-self").exit_code == 1
    (tmp_path / "token").write_text(f"{MANAGEMENT}\n")
    monkeypatch.setenv("CONSUL_HTTP_TOKEN_FILE", str(tmp_path / "token"))
    assert MANAGEMENT in manager("acl", "token", "read", "-self").stdout


def test_a_login_leaves_its_token_where_only_its_owner_reads_it(
    manager: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = {"JWTValidationPubKeys": [KEY], "JWTSupportedAlgs": ["ES256"], "BoundAudiences": ["lictor-tests"]}
    made(manager, "acl", "auth-method", "create", "-type=jwt", "-name=corp", f"-config={json.dumps(settings)}")
    made(manager, "acl", "binding-rule", "create", "-method=corp", "-bind-name=web")
    monkeypatch.delenv("LICTOR_HTTP_TOKEN")
    bearer, sink = tmp_path / "bearer", tmp_path / "sink"
    bearer.write_text(BEARER)
    sink.write_text("old")
    sink.chmod(0o644)
    done = manager("login", "-method=corp", f"-bearer-token-file={bearer}", f"-token-sink-file={sink}")
    assert (done.exit_code, done.stdout) == (0, "")
    assert stat.S_IMODE(sink.stat().st_mode) == 0o600
    assert sorted(tmp_path.iterdir()) == [bearer, sink], "nothing else is left"
    assert manager("acl", "token", "read", "-self", f"-token-file={sink}").exit_code == 0
    assert manager("logout", f"-token-file={sink}").exit_code == 0
    assert manager("logout", f"-token-file={sink}").exit_code == 1


def test_ids_are_found_by_their_first_digits(manager: Command) -> None:
    policy = made(manager, "acl", "policy", "create", "-name=found")
    id = str(at(policy, "ID"))
    assert at(made(manager, "acl", "policy", "read", f"-id={id[:10]}"), "Name") == "found"
    assert at(made(manager, "acl", "token", "read", "-id=anonymous"), "SecretID") == "anonymous"
    nothing = manager("acl", "token", "read", "-id=fffffffff")
    assert (nothing.exit_code, "no token has an id that begins" in nothing.stderr) == (1, True)
    unknown = manager("acl", "role", "read", f"-id={NEVER}")
    assert (unknown.exit_code, "there is no role" in unknown.stderr) == (1, True)


def test_an_update_merges_only_what_it_is_told_to(manager: Command) -> None:
    made(manager, "acl", "policy", "create", "-name=one")
    made(manager, "acl", "policy", "create", "-name=two")
    accessor = at(made(manager, "acl", "token", "create", "-policy-name=one", "-service-identity=web"), "AccessorID")
    update = ("acl", "token", "update", f"-id={accessor}", "-policy-name=two")
    merged = made(manager, *update, "-policy-name=one", "-merge-policies")
    names = [as_object(one)["Name"] for one in as_list(at(merged, "Policies"))]
    assert (sorted(map(str, names)), "ServiceIdentities" in as_object(merged)) == (["one", "two"], False)
    replaced = made(manager, *update)
    assert [as_object(one)["Name"] for one in as_list(at(replaced, "Policies"))] == ["two"]
