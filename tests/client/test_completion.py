"""What may follow what is typed so far."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor.cli.completion import CANDIDATES_MAX, answer, candidates, read_line
from lictor.cli.flags import GoCommand, GoOption
from lictor.cli.live_names import ARGUMENT_SOURCES, ARGUMENT_WORDS, FLAG_SOURCES, FLAG_WORDS
from lictor.cli.program import COMMANDS, program
from tests.client.fake_agent import Reply, Seen, fake_agent

NOBODY = {"LICTOR_HTTP_ADDR": "127.0.0.1:1"}
LICTOR = str(Path(sys.executable).parent / "lictor")


def after(line: str, environment: dict[str, str] | None = None) -> list[str]:
    return candidates(program, read_line(line), environment or NOBODY)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("lictor ", sorted(COMMANDS)),
        ("lictor k", ["keygen", "keyring", "kv"]),
        ("lictor kv ", ["delete", "export", "get", "import", "put"]),
        ("lictor kv g", ["get"]),
        ("lictor operator raft li", ["list-peers"]),
        ("lictor kv get -recu", ["-recurse"]),
        ("lictor kv get --recu", ["--recurse"]),
        ("lictor kv get -sep", ["-separator="]),
        ("lictor kv get -format=", ["-format=json", "-format=pretty"]),
        ("lictor kv get -format j", ["json"]),
        ("lictor kv get -recurse=", ["-recurse=false", "-recurse=true"]),
        ("lictor kv get -recurse -ba", ["-base64"]),
        ("lictor kv get -separator x -ba", ["-base64"]),
        ("lictor kv get -- -ba", []),
        ("lictor kv get a -ba", []),
        ("lictor kv get -bogus=", []),
        ("lictor watch -type=key", ["-type=key", "-type=keyprefix"]),
        ("lictor completion ", ["bash", "fish", "zsh"]),
        ("lictor completion bash ", []),
        ("lictor nosuch ", []),
        ("lictor 'kv' g", ["get"]),
        ("lictor 'kv' \"g", ["get"]),
        ("lictor", []),
        ("", []),
    ],
)
def test_what_may_follow(line: str, expected: list[str]) -> None:
    assert after(line) == (expected if line not in ("lictor", "") else sorted(COMMANDS))


@pytest.mark.parametrize(
    ("line", "asked", "body", "expected"),
    [
        ("lictor kv get a/", "/v1/kv/a/?keys=&separator=%2F", ["a/b/", "a/c"], ["a/b/", "a/c"]),
        ("lictor catalog nodes -service=w", "/v1/catalog/services", {"web": [], "db": []}, ["-service=web"]),
        ("lictor intention check web d", "/v1/catalog/services", {"web": [], "db": []}, ["db"]),
        ("lictor watch -type=key -key=a", "/v1/kv/a?keys=&separator=%2F", ["a1"], ["-key=a1"]),
        ("lictor kv get -datacenter=", "/v1/catalog/datacenters", ["dc1"], ["-datacenter=dc1"]),
    ],
)
def test_names_come_from_the_agent(line: str, asked: str, body: object, expected: list[str]) -> None:
    with fake_agent(lambda _: Reply(body=json.dumps(body).encode())) as fake:
        assert after(line, {"CONSUL_HTTP_ADDR": fake.address, "CONSUL_HTTP_TOKEN": "t"}) == expected
    assert [(seen.target, seen.headers["x-consul-token"]) for seen in fake.seen] == [(asked, "t")]


def test_names_and_types_of_dns_are_those_of_the_agent() -> None:
    def known(seen: Seen) -> Reply:
        answers: dict[str, object] = {
            "/v1/agent/self": {"DebugConfig": {"DNSDomain": "mesh.test."}},
            "/v1/catalog/services": {"web": []},
            "/v1/catalog/nodes": [],
        }
        return Reply(body=json.dumps(answers[seen.target]).encode())

    with fake_agent(known) as fake:
        environment = {"CONSUL_HTTP_ADDR": fake.address}
        assert after("lictor dns explain w", environment) == ["web.service.mesh.test"]
        assert after("lictor dns explain web.service.mesh.test S", environment) == ["SOA", "SRV"]
        assert after("lictor dns explain web.service.mesh.test SRV ", environment) == []


def test_the_flags_that_are_typed_say_which_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    with fake_agent(lambda _: Reply(body=b'["k"]')) as fake:
        assert after(f"lictor kv get -http-addr {fake.address} -token=x ") == ["k"]
    assert fake.seen[0].headers["x-consul-token"] == "x"


def test_an_agent_that_is_away_silent_or_odd_offers_nothing() -> None:
    assert after("lictor kv get a") == []
    assert after("lictor kv get -http-addr=foo://x a") == []

    def answer_late(_: Seen) -> Reply:
        return Reply(after_s=3)

    with fake_agent(answer_late) as fake:
        began = time.monotonic()
        assert after("lictor kv get a", {"CONSUL_HTTP_ADDR": fake.address}) == []
        assert time.monotonic() - began < 2.5
    for reply in (Reply(status=500), Reply(body=b"{"), Reply(breaks_off=True)):
        with fake_agent(lambda _, reply=reply: reply) as fake:  # type: ignore[misc]
            assert after("lictor kv get a", {"CONSUL_HTTP_ADDR": fake.address}) == []


def test_more_names_than_the_bound_are_left_out() -> None:
    names = json.dumps([f"k{number:05}" for number in range(2 * CANDIDATES_MAX)]).encode()
    with fake_agent(lambda _: Reply(body=names)) as fake:
        assert len(after("lictor kv get k", {"CONSUL_HTTP_ADDR": fake.address})) == CANDIDATES_MAX


def test_bash_gets_what_stands_behind_its_own_breaks_of_words() -> None:
    def said(line: str, *arguments: str) -> list[str]:
        return list(answer(program, line, arguments, NOBODY))

    assert said("lictor kv get -format=j", "lictor", "j", "=") == ["json "]
    assert said("lictor kv get -form", "lictor", "-form", "get") == ["-format="]
    assert said("lictor kv g", "lictor", "g", "kv") == ["get "]
    assert said("lictor kv g") == ["get"]


def test_the_program_answers_what_stands_before_the_cursor() -> None:
    def printed(**environment: str) -> str:
        return subprocess.run(
            [LICTOR],
            env={**os.environ, **NOBODY, **environment},
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        ).stdout

    assert printed(COMP_LINE="lictor kv g") == "get\n"
    assert printed(COMP_LINE="lictor kv gxx", COMP_POINT="11") == "get\n"
    assert printed(COMP_LINE="lictor nosuch thing") == ""


@given(st.text(max_size=40))
def test_any_line_is_answered(text: str) -> None:
    assert isinstance(candidates(program, read_line(f"lictor {text}"), NOBODY), list)


def test_every_place_that_has_names_exists() -> None:
    context = click.Context(program)

    def found(path: str) -> click.Command:
        command: click.Command = program
        for word in path.split():
            assert isinstance(command, click.Group)
            inner = command.get_command(context, word)
            assert inner is not None, path
            command = inner
        return command

    for path in (*ARGUMENT_SOURCES, *ARGUMENT_WORDS):
        assert isinstance(found(path), GoCommand)
    for path, flag in (*FLAG_SOURCES, *FLAG_WORDS):
        if path:
            assert flag in {one.flag_name for one in found(path).params if isinstance(one, GoOption)}, (path, flag)
