"""`-format=json`: the records of the HTTP API."""

import json
from pathlib import Path

import click
import pytest

from lictor.cli.flags import GoCommand, GoOption
from lictor.cli.formats import Format, print_json
from lictor.cli.program import program
from tests.client.conftest import Command
from tests.client.fake_agent import Reply, fake_agent
from tests.support.conditions import wait_until
from tests.support.recorder.json_types import Json, as_list, as_object, at

READINGS = [
    "catalog datacenters", "catalog nodes", "catalog services", "event", "explain service", "info", "intention check",
    "intention get", "intention match", "keyring", "kv get", "maint", "members", "operator autopilot get-config",
    "operator autopilot state", "operator raft list-peers", "rtt", "snapshot inspect", "version",
]  # fmt: skip


def read(command: Command, *words: str, exit_code: int = 0) -> Json:
    """What a command prints as JSON."""
    printed = command(*words)
    assert (printed.exit_code, printed.stderr) == (exit_code, "")
    found: Json = json.loads(printed.stdout)
    return found


def with_format() -> set[str]:
    """The commands that take -format."""

    def walk(one: click.Command, words: list[str]) -> None:
        if isinstance(one, click.Group):
            for name in one.list_commands(context):
                inner = one.get_command(context, name)
                assert inner is not None
                walk(inner, [*words, name])
        elif isinstance(one, GoCommand) and any(
            isinstance(parameter, GoOption) and parameter.flag_name == "format" for parameter in one.params
        ):
            found.add(" ".join(words))

    found: set[str] = set()
    context = click.Context(program)
    walk(program, [])
    return found


def test_every_reading_takes_the_format() -> None:
    assert with_format() >= set(READINGS)


@pytest.mark.parametrize("words", sorted(with_format()))
def test_another_format_is_refused(lonely_command: Command, words: str) -> None:
    printed = lonely_command(*words.split(), "-format=xml")
    assert (printed.exit_code, printed.stdout) == (2 if words in ("intention check", "intention match") else 1, "")
    assert '-format: must be pretty or json, not "xml"' in printed.stderr


def test_pretty_is_what_is_printed_without_it(command: Command) -> None:
    for words in (["members"], ["catalog", "nodes"], ["operator", "raft", "list-peers"]):
        assert command(*words, "-format=pretty").stdout == command(*words).stdout


def test_mappings_are_sorted_and_records_are_not(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"b": 1, "a": [True, None, "ä"]})
    assert (
        capsys.readouterr().out == '{\n    "a": [\n        true,\n        null,\n        "ä"\n    ],\n    "b": 1\n}\n'
    )
    assert Format("json") is Format.JSON


def test_nodes_members_and_peers_are_the_records_of_the_api(command: Command) -> None:
    assert read(command, "catalog", "datacenters", "-format=json") == ["dc1"]
    (node,) = as_list(read(command, "catalog", "nodes", "-format=json"))
    assert list(as_object(node))[:4] == ["ID", "Node", "Address", "Datacenter"]
    assert read(command, "catalog", "nodes", "-format=json", "-node-meta=x=y") == []
    (member,) = as_list(read(command, "members", "-format=json"))
    assert (at(member, "Name"), at(member, "Status"), at(member, "Tags.role")) == ("judge", 1, "consul")
    assert read(command, "members", "-format=json", "-status=failed", exit_code=2) == []
    peers = read(command, "operator", "raft", "list-peers", "-format=json")
    assert at(peers, "Servers.0.Node") == "judge"
    assert at(read(command, "operator", "autopilot", "get-config", "-format=json"), "MaxTrailingLogs") == 250
    assert "consul" in as_object(read(command, "info", "-format=json"))
    # A coordinate is written seconds after the start.
    wait_until(lambda: command("rtt", "judge", "judge").exit_code == 0, within_s=60, what="the node is placed")
    rtt = read(command, "rtt", "-format=json", "judge", "judge")
    assert (at(rtt, "Nodes"), at(rtt, "Coordinates")) == (["judge", "judge"], "LAN")


def test_services_are_names_with_sorted_tags(command: Command) -> None:
    command("services", "register", "-name=tagged", "-tag=b", "-tag=a")
    wait_until(lambda: "tagged" in command("catalog", "services").lines, within_s=20, what="the catalog has it")
    services = as_object(read(command, "catalog", "services", "-format=json"))
    assert services["tagged"] == ["a", "b"]
    assert as_object(read(command, "catalog", "services", "-format=json", "-node=judge")) == services
    told = read(command, "explain", "service", "-format=json", "tagged")
    assert (at(told, "Service.Service"), at(told, "Elsewhere")) == ("tagged", [])
    command("maint", "-enable", "-service=tagged", "-reason=why")
    (check,) = as_list(read(command, "maint", "-format=json"))
    assert (at(check, "ServiceID"), at(check, "Notes")) == ("tagged", "why")
    command("services", "deregister", "-id=tagged")
    assert read(command, "maint", "-format=json") == []


def test_keys_are_entries_with_values_in_base64(command: Command) -> None:
    command("kv", "put", "-flags=7", "json/a", "salve")
    command("kv", "put", "json/b")
    entry = as_object(read(command, "kv", "get", "-format=json", "json/a"))
    assert (entry["Key"], entry["Flags"], entry["Value"]) == ("json/a", 7, "c2FsdmU=")
    assert [at(one, "Key") for one in as_list(read(command, "kv", "get", "-recurse", "-format=json", "json/"))] == [
        "json/a",
        "json/b",
    ]
    assert read(command, "kv", "get", "-keys", "-format=json", "json/") == ["json/a", "json/b"]
    assert read(command, "kv", "get", "-keys", "-format=json", "nothing/") == []
    missing = command("kv", "get", "-format=json", "json/c")
    assert (missing.exit_code, missing.stdout) == (1, "")
    command("kv", "delete", "-recurse", "json/")


def test_intentions_and_verdicts_are_json(command: Command) -> None:
    command("intention", "create", "-deny", "jweb", "jdb")
    assert read(command, "intention", "check", "-format=json", "jweb", "jdb", exit_code=1) == {"Allowed": False}
    assert read(command, "intention", "check", "-format=json", "jother", "jdb") == {"Allowed": True}
    (row,) = as_list(read(command, "intention", "match", "-format=json", "jdb"))
    assert at(row, "SourceName") == "jweb"
    assert read(command, "intention", "get", "-format=json", "jweb", "jdb") == row
    command("intention", "delete", "jweb", "jdb")


def test_an_event_and_a_snapshot_are_json(command: Command, tmp_path: Path) -> None:
    fired = as_object(read(command, "event", "-name=deploy", "-format=json", "x"))
    assert (fired["Name"], fired["Payload"]) == ("deploy", "eA==")
    file = str(tmp_path / "a.snap")
    assert command("snapshot", "save", file).exit_code == 0
    assert list(as_object(read(command, "snapshot", "inspect", "-format=json", file))) == [
        "ID", "Index", "Size", "Term", "Version",
    ]  # fmt: skip


def test_keyrings_are_json_and_nothing_else_is_printed(lonely_command: Command) -> None:
    pool = {"WAN": True, "Datacenter": "dc1", "Segment": "", "Keys": {"a=": 1}, "NumNodes": 1}
    with fake_agent(lambda _: Reply(body=json.dumps([pool]).encode())) as fake:
        (found,) = as_list(read(lonely_command, "keyring", "-list", "-format=json", f"-http-addr={fake.address}"))
    assert at(found, "Keys") == {"a=": 1}
