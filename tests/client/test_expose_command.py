"""`lictor connect expose`: the entry it makes; what it prints is in tests/compat (cli/connect)."""

from __future__ import annotations

import pytest

from lictor.cli.commands.expose import exposed
from lictor.cli.errors import CommandError
from lictor.cli.program import run

WEB = {"Name": "web", "Hosts": None}
BLANK = {"Kind": "ingress-gateway", "Name": "edge", "ModifyIndex": 0}
LISTENER = {"Port": 80, "Protocol": "http", "Services": [WEB]}
ONE: dict[str, object] = {**BLANK, "TLS": {"Enabled": True}, "Listeners": [LISTENER]}


def test_a_blank_gateway_gets_a_listener() -> None:
    listener = {"Port": 80, "Protocol": "http", "Services": [{"Name": "web", "Hosts": ["a.test"]}]}
    assert exposed(BLANK, "web", 80, "http", ["a.test"]) == {**BLANK, "Listeners": [listener]}


def test_what_is_exposed_already_stays_as_it_is() -> None:
    assert exposed(ONE, "web", 80, "http", []) == ONE


def test_all_else_of_the_entry_is_kept() -> None:
    other = {"Name": "db", "Hosts": None}
    assert exposed(ONE, "db", 80, "http", []) == {
        **ONE, "Listeners": [{"Port": 80, "Protocol": "http", "Services": [WEB, other]}]
    }  # fmt: skip
    two = exposed(ONE, "db", 81, "tcp", [])["Listeners"]
    assert two == [LISTENER, {"Port": 81, "Protocol": "tcp", "Services": [other]}]


def test_hosts_are_replaced() -> None:
    first = exposed(ONE, "web", 80, "http", ["a.test"])
    assert first != ONE
    assert exposed(first, "web", 80, "http", []) == ONE


def test_a_port_speaks_one_protocol() -> None:
    with pytest.raises(CommandError, match='port 80 speaks "http", not "tcp": give -protocol=http, or another port'):
        exposed(ONE, "web", 80, "tcp", [])


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["-ingress-gateway=edge", "-port=1"], "-service is missing"),
        (["-service=web", "-port=1"], "-ingress-gateway is missing"),
        (["-service=web", "-ingress-gateway=edge"], "-port is missing or none"),
        (["-service=web", "-ingress-gateway=edge", "-port=65536"], "-port is missing or none"),
        (["-service=a/web", "-ingress-gateway=edge", "-port=1"], "namespaces are a feature of Consul Enterprise"),
        (["-service=web", "-ingress-gateway=edge", "-port=1", "x"], "x"),
    ],
)
def test_what_is_wrong_is_told_before_an_agent_is_asked(
    flags: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["connect", "expose", "-http-addr=127.0.0.1:1", *flags]) == 1
    assert told in capsys.readouterr().err
