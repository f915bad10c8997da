"""Access control of real agents: denied by default, rights that come and go, servers that go and come back."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from tests.support.agents import environment_for_commands, program_of
from tests.support.server_cluster import Answer, ServerCluster

pytestmark = pytest.mark.slow

ROOT = "5c1b2f6e-8a4c-4e0b-9a57-6f0c5e7d1a21"
RECOVERY = "recovery-secret"
TTL_S = 2.0
SEES_ALL = 'node_prefix "" { policy = "read" } service_prefix "" { policy = "read" }'
_CLIENT = 4


@dataclass
class Guarded:
    """A server, and a client agent that knows no token but its own."""

    cluster: ServerCluster

    def ask(self, number: int, path: str, token: str = "", method: str = "GET", body: object = None) -> Answer:
        headers = {"X-Consul-Token": token} if token else {}
        connection = http.client.HTTPConnection(self.cluster.address(number), 8500, timeout=20)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            return Answer(answer.status, answer.read().decode(), dict(answer.headers))
        except (OSError, http.client.HTTPException) as error:
            return Answer(0, str(error), {})
        finally:
            connection.close()

    def at_client(self, path: str, token: str = "", method: str = "GET", body: object = None) -> Answer:
        return self.ask(_CLIENT, path, token, method, body)

    def write(self, path: str, body: object) -> dict[str, str]:
        answer = self.ask(1, path, ROOT, "PUT", body)
        assert answer.status == 200, answer
        return cast("dict[str, str]", json.loads(answer.body)) if answer.body else {}

    def policy(self, name: str, rules: str, id: str = "") -> str:
        """The id of a new policy, or of one that has these rules from now on."""
        return self.write(f"/v1/acl/policy/{id}".rstrip("/"), {"ID": id, "Name": name, "Rules": rules})["ID"]

    def token(self, *policies: str) -> dict[str, str]:
        return self.write("/v1/acl/token", {"Policies": [{"Name": name} for name in policies]})

    def revoke(self, token: dict[str, str]) -> None:
        assert self.ask(1, f"/v1/acl/token/{token['AccessorID']}", ROOT, "DELETE").status == 200

    def resolved(self, number: int, name: str) -> list[str]:
        dig = ["dig", "+short", "+time=2", "+tries=1", f"@{self.cluster.address(number)}", "-p", "8600", name]
        done = subprocess.run(dig, capture_output=True, text=True, timeout=10, check=False)
        return sorted(done.stdout.split()) if done.returncode == 0 else []

    def write_query(self, name: str, service: str) -> None:
        answer = self.ask(1, "/v1/query", ROOT, "POST", {"Name": name, "Service": {"Service": service}})
        assert answer.status == 200, answer

    def until_named(self, number: int, name: str) -> None:
        self.cluster.until(lambda: bool(self.resolved(number, name)), f"{name} at {number}")

    def until_resolved(self, number: int, is_seen: bool, what: str) -> None:
        self.cluster.until(lambda: bool(self.resolved(number, "consul.service.consul")) is is_seen, what)


def _client_settings(**more: object) -> dict[str, object]:
    tokens = {"agent": ROOT, "agent_recovery": RECOVERY}
    ttls = {"token_ttl": f"{TTL_S:g}s", "policy_ttl": f"{TTL_S:g}s"}
    return {"acl": {"enabled": True, "default_policy": "deny", "tokens": tokens, **ttls, **more}}


@contextmanager
def guarded(directory: Path, **more: object) -> Generator[Guarded]:
    tokens = {"initial_management": ROOT, "agent": ROOT, "default": ROOT}
    acl = {"enabled": True, "default_policy": "deny", "tokens": tokens}
    cluster = ServerCluster(directory, 1, {"acl": acl})
    with cluster.running():
        cluster.start_client(_CLIENT, joins=(1,), settings=_client_settings(**more))
        world = Guarded(cluster)
        cluster.until(lambda: world.at_client("/v1/catalog/node/c4", ROOT).body.count('"c4"') > 0, "the client agent")
        yield world


def test_dns_and_views_show_what_the_token_sees_and_no_more_once_it_is_revoked(tmp_path: Path) -> None:
    with guarded(tmp_path) as world:
        world.policy("all", SEES_ALL)
        token = world.token("all")
        assert world.resolved(_CLIENT, "consul.service.consul") == []
        assert world.at_client("/v1/health/service/consul?cached").body == "[]"
        told = world.at_client("/v1/agent/token/default", ROOT, "PUT", {"Token": token["SecretID"]})
        assert told.status == 200
        world.until_resolved(_CLIENT, True, "what the default token sees")
        world.cluster.until(
            lambda: '"s1"' in world.at_client("/v1/health/service/consul?cached").body, "the same over HTTP"
        )
        world.revoke(token)
        world.until_resolved(_CLIENT, False, "nothing any more")
        world.cluster.until(
            lambda: world.at_client("/v1/health/service/consul?cached").status == 403, "a refusal over HTTP"
        )


def test_rights_that_change_reach_dns_at_the_server_and_at_the_client(tmp_path: Path) -> None:
    with guarded(tmp_path) as world:
        id = world.policy("some", SEES_ALL)
        secret = world.token("some")["SecretID"]
        for number in (1, _CLIENT):
            assert world.ask(number, "/v1/agent/token/default", ROOT, "PUT", {"Token": secret}).status == 200
            world.until_resolved(number, True, "what the default token sees")
        world.policy("some", 'node_prefix "" { policy = "read" }', id)
        for number in (1, _CLIENT):
            world.until_resolved(number, False, "nothing without the right to see services")
        world.policy("some", SEES_ALL, id)
        for number in (1, _CLIENT):
            world.until_resolved(number, True, "it again")


def test_dns_runs_prepared_queries_for_who_knows_their_names_and_shows_what_the_default_token_sees(
    tmp_path: Path,
) -> None:
    with guarded(tmp_path) as world:
        world.write_query("q", "consul")
        world.policy("all", SEES_ALL)
        secret = world.token("all")["SecretID"]
        for number in (1, _CLIENT):
            assert world.ask(number, "/v1/agent/token/default", ROOT, "PUT", {"Token": ""}).status == 200
            assert world.resolved(number, "q.query.consul") == []
            assert world.ask(number, "/v1/query").body == "[]"
            assert world.ask(number, "/v1/agent/token/default", ROOT, "PUT", {"Token": secret}).status == 200
            world.until_named(number, "q.query.consul")
            assert world.ask(number, "/v1/query").body == "[]", "it is not listed for all that"


def test_a_token_is_revoked_at_an_agent_within_its_time(tmp_path: Path) -> None:
    with guarded(tmp_path) as world:
        world.policy("agents", 'agent_prefix "" { policy = "read" }')
        token = world.token("agents")
        assert world.at_client("/v1/agent/self", token["SecretID"]).status == 200
        world.revoke(token)
        world.cluster.until(lambda: world.at_client("/v1/agent/self", token["SecretID"]).status == 403, "a refusal")
        assert world.at_client("/v1/agent/self", token["SecretID"]).body == "ACL not found"
        assert world.ask(1, "/v1/agent/self", token["SecretID"]).status == 403


@pytest.mark.parametrize(
    ("policy", "known", "unknown"), [("extend-cache", 200, 403), ("deny", 403, 403), ("allow", 200, 200)]
)
def test_without_servers_the_down_policy_counts_and_the_recovery_token_comes_in(
    tmp_path: Path, policy: str, known: int, unknown: int
) -> None:
    with guarded(tmp_path, down_policy=policy) as world:
        assert world.at_client("/v1/agent/self", ROOT).status == 200
        world.cluster.kill(1)

        def is_told() -> bool:
            world.at_client("/v1/agent/self", ROOT)
            return "acl.servers.lost" in world.cluster.programs[_CLIENT].log()

        world.cluster.until(is_told, "a word of it")
        assert world.at_client("/v1/agent/self", ROOT).status == known
        assert world.at_client("/v1/agent/self", "never seen").status == unknown
        assert world.at_client("/v1/agent/self", RECOVERY).status == 200
        assert world.at_client("/v1/agent/services", RECOVERY).body == "{}"
        world.cluster.start(1, joins=(1,))
        world.cluster.until(lambda: world.at_client("/v1/agent/self", "never seen").body == "ACL not found", "servers")
        assert world.at_client("/v1/agent/self", ROOT).status == 200


def test_told_tokens_outlive_the_agent_where_they_are_kept(tmp_path: Path) -> None:
    with guarded(tmp_path, enable_token_persistence=True) as world:
        for slot in ("default", "replication"):
            assert world.at_client(f"/v1/agent/token/{slot}", ROOT, "PUT", {"Token": ROOT}).status == 200
        path = tmp_path / f"d{_CLIENT}" / "acl-tokens.json"
        assert json.loads(path.read_text()) == {"default": ROOT, "replication": ROOT}
        assert path.stat().st_mode & 0o777 == 0o600
        world.cluster.kill(_CLIENT)
        world.cluster.start_client(_CLIENT, joins=(1,), settings=_client_settings(enable_token_persistence=True))
        world.cluster.until(lambda: world.at_client("/v1/agent/self").status == 200, "the token that was told")


def test_what_the_servers_refuse_is_shown_and_comes_as_soon_as_it_may(tmp_path: Path) -> None:
    with guarded(tmp_path) as world:
        id = world.policy("web", 'service "web" { policy = "read" }')
        secret = world.token("web")["SecretID"]
        body = {"Name": "web", "Token": secret}
        assert world.at_client("/v1/agent/service/register", ROOT, "PUT", body).status == 200

        def refused() -> str:
            local = json.loads(world.at_client("/v1/agent/local/service/web", ROOT).body)
            return str(local["Refused"])

        world.cluster.until(lambda: "'service:write' on \"web\"" in refused(), "why it is refused")
        address = f"{world.cluster.address(_CLIENT)}:8500"
        explained = subprocess.run(
            [program_of("lictor"), "explain", "service", f"-token={ROOT}", "web"],
            env={**os.environ, **environment_for_commands(address)},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert "The catalog does not have it as it is here: Permission denied" in explained.stdout
        assert world.ask(1, "/v1/catalog/service/web", ROOT).body == "[]"
        assert secret not in world.cluster.programs[_CLIENT].log()
        world.policy("web", 'service "web" { policy = "write" }', id)
        world.cluster.until(lambda: '"web"' in world.ask(1, "/v1/catalog/service/web", ROOT).body, "the instance")
        world.cluster.until(lambda: refused() == "", "no refusal any more")
