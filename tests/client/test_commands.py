"""The commands against a running agent, and where there is none."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from lictor.cli.program import COMMANDS
from lictor_core.protocol import PROTOCOL_MAX, PROTOCOL_MIN
from tests.client.conftest import Command
from tests.client.fake_agent import Reply, Seen, fake_agent
from tests.support.agents import DevAgent, environment_for_commands, program_of

LEAVES = [
    ("acl", "bootstrap"),
    ("acl", "explain"),
    ("acl", "set-agent-token"),
    ("acl", "translate-rules"),
    ("acl", "token", "clone"),
    ("acl", "token", "create"),
    ("acl", "token", "delete"),
    ("acl", "token", "list"),
    ("acl", "token", "read"),
    ("acl", "token", "update"),
    ("acl", "policy", "create"),
    ("acl", "policy", "delete"),
    ("acl", "policy", "list"),
    ("acl", "policy", "read"),
    ("acl", "policy", "update"),
    ("acl", "role", "create"),
    ("acl", "role", "delete"),
    ("acl", "role", "list"),
    ("acl", "role", "read"),
    ("acl", "role", "update"),
    ("acl", "auth-method", "create"),
    ("acl", "auth-method", "delete"),
    ("acl", "auth-method", "list"),
    ("acl", "auth-method", "read"),
    ("acl", "auth-method", "update"),
    ("acl", "binding-rule", "create"),
    ("acl", "binding-rule", "delete"),
    ("acl", "binding-rule", "list"),
    ("acl", "binding-rule", "read"),
    ("acl", "binding-rule", "update"),
    ("agent",),
    ("catalog", "datacenters"),
    ("catalog", "nodes"),
    ("catalog", "services"),
    ("completion",),
    ("config", "delete"),
    ("config", "list"),
    ("config", "read"),
    ("config", "write"),
    ("connect", "ca", "get-config"),
    ("connect", "ca", "set-config"),
    ("connect", "proxies"),
    ("connect", "proxy"),
    ("dns", "explain"),
    ("event",),
    ("exec",),
    ("explain", "service"),
    ("debug",),
    ("info",),
    ("intention", "check"),
    ("intention", "create"),
    ("intention", "delete"),
    ("intention", "explain"),
    ("intention", "get"),
    ("intention", "list"),
    ("intention", "match"),
    ("keygen",),
    ("keyring",),
    ("kv", "delete"),
    ("kv", "export"),
    ("kv", "get"),
    ("kv", "import"),
    ("kv", "put"),
    ("leave",),
    ("lock",),
    ("login",),
    ("logout",),
    ("join",),
    ("force-leave",),
    ("maint",),
    ("members",),
    ("monitor",),
    ("operator", "autopilot", "get-config"),
    ("operator", "autopilot", "set-config"),
    ("operator", "autopilot", "state"),
    ("operator", "raft", "list-peers"),
    ("operator", "raft", "recover"),
    ("operator", "raft", "remove-peer"),
    ("operator", "raft", "transfer-leader"),
    ("reload",),
    ("rtt",),
    ("services", "deregister"),
    ("services", "register"),
    ("snapshot", "inspect"),
    ("snapshot", "restore"),
    ("snapshot", "save"),
    ("tls", "ca", "create"),
    ("tls", "cert", "create"),
    ("torture",),
    ("validate",),
    ("version",),
    ("watch",),
]
GROUPS = [
    ("acl",),
    ("acl", "auth-method"),
    ("acl", "binding-rule"),
    ("acl", "policy"),
    ("acl", "role"),
    ("acl", "token"),
    ("catalog",),
    ("config",),
    ("connect",),
    ("connect", "ca"),
    ("dns",),
    ("explain",),
    ("intention",),
    ("kv",),
    ("operator",),
    ("operator", "autopilot"),
    ("operator", "raft"),
    ("services",),
    ("snapshot",),
    ("tls",),
    ("tls", "ca"),
    ("tls", "cert"),
]

# a command, and its exit code where there is no agent
LONELY = [
    (("event", "-name=x"), 1),
    (("lock", "x", "true"), 1),
    (("members",), 1),
    (("dns", "explain", "a.consul"), 1),
    (("info",), 1),
    (("catalog", "nodes"), 1),
    (("kv", "get", "a"), 1),
    (("kv", "put", "a", "b"), 1),
    (("services", "register", "-name=a"), 1),
    (("services", "deregister", "-id=a"), 1),
    (("intention", "create", "a", "b"), 1),
    (("intention", "check", "a", "b"), 2),
    (("intention", "match", "a"), 1),
    (("intention", "get", "a", "b"), 1),
    (("intention", "delete", "a", "b"), 1),
    (("connect", "ca", "get-config"), 1),
    (("operator", "raft", "list-peers"), 1),
    (("operator", "raft", "remove-peer", "-id=a"), 1),
    (("operator", "autopilot", "get-config"), 1),
    (("operator", "autopilot", "set-config"), 1),
    (("snapshot", "save", "never.snap"), 1),
]

ID = "5c1e2f30-0000-4000-8000-000000000001"

# a command line that cannot be, its exit code, and a word of the error
WRONG = [
    (("connect", "proxy", "-service=a", "b"), 1, "unexpected arguments: b"),
    (("kv", "get"), 1, "missing KEY"),
    (("kv", "get", "a", "b"), 1, "too many arguments: expected 1, got 2"),
    (("kv", "get", "a", "-detailed"), 1, "expected 1, got 2; flags come before all else"),
    (("explain", "service", "a", "-stale"), 1, "expected 1, got 2; flags come before all else"),
    (("dns", "explain"), 1, "name the question"),
    (("dns", "explain", "a.consul", "A", "-tcp"), 1, "expected 1 to 2, got 3; flags come before all else"),
    (("dns", "explain", "-edns=many", "a.consul"), 1, "-edns: must be a whole number"),
    (("debug", "now"), 1, "unexpected arguments: now"),
    (("kv", "put"), 1, "missing KEY"),
    (("kv", "put", "a", "b", "c"), 1, "too many arguments"),
    (("kv", "put", "/a", "b"), 1, "must not begin with a '/'"),
    (("kv", "put", "-cas", "a", "b"), 1, "-cas needs -modify-index"),
    (("kv", "put", "-modify-index=5", "a", "b"), 1, "-modify-index means nothing without -cas"),
    (("kv", "put", "-base64", "a", "!!"), 1, "no base64"),
    (("kv", "put", "-flags=red", "a", "b"), 1, "-flags: must be a whole number"),
    (("kv", "put", "-acquire", "a", "b"), 1, "-session"),
    (("kv", "put", "a", "@/none"), 1, "cannot read /none: no such file"),
    (("kv", "delete"), 1, "missing KEY"),
    (("kv", "delete", "-cas", "-recurse", "-modify-index=1", "a"), 1, "cannot be given together"),
    (("kv", "import"), 1, "missing DATA"),
    (("kv", "import", "{"), 1, "kv export"),
    (("kv", "import", '[{"key": "x", "flags": 0, "value": "!!"}]'), 1, "the value of x is no base64"),
    (("kv", "get", "-bogus"), 1, "no flag -bogus; see `lictor kv get -help`"),
    (("catalog", "nodes", "x"), 1, "too many arguments"),
    (("catalog", "nodes", "-node-meta=x"), 1, "-node-meta: \"x\" is not of the form key=value"),
    (("services", "register"), 1, "at least one file, or -name"),
    (("services", "register", "-name=a", "file"), 1, "not both"),
    (("services", "register", "/none.json"), 1, "/none.json: no such file"),
    (("services", "deregister"), 1, "at least one file, or -id"),
    (("intention", "create", "a"), 1, "source and destination"),
    (("intention", "create", "-allow", "-deny", "a", "b"), 1, "cannot be given together"),
    (("intention", "create", "-file"), 1, "at least one file"),
    (("intention", "check", "a"), 2, "source and destination"),
    (("intention", "check", "-bogus"), 2, "no flag -bogus"),
    (("intention", "match"), 1, "one argument"),
    (("intention", "match", "-source", "-destination", "a"), 1, "cannot be given together"),
    (("intention", "get"), 1, "or an id"),
    (("intention", "get", "a", "b", "c"), 1, "too many arguments"),
    (("intention", "create", "-wait-enforced=soon", "a", "b"), 1, "-wait-enforced"),
    (("intention", "explain", "a"), 1, "source and destination"),
    (("intention", "list", "a"), 1, "unexpected arguments"),
    (("connect", "ca", "set-config"), 1, "-config-file is needed"),
    (("connect", "proxy"), 1, "-sidecar-for, -proxy-id or -service"),
    (("connect", "proxy", "-service=a", "-upstream=x"), 1, "-upstream"),
    (("connect", "proxy", "-service=a", "-log-level=loud"), 1, "loud"),
    (("operator", "raft", "remove-peer"), 1, "-id or -address is needed"),
    (("operator", "raft", "remove-peer", "-id=a", "-address=b"), 1, "cannot be given together"),
    (("operator", "autopilot", "set-config", "-max-trailing-logs=x"), 1, "-max-trailing-logs: must be a whole number"),
    (("operator", "autopilot", "set-config", "-last-contact-threshold=x"), 1, "-last-contact-threshold"),
    (("operator", "autopilot", "state", "-format=xml"), 1, "pretty or json"),
    (("operator", "raft", "recover"), 1, "-data-dir is needed"),
    (("operator", "raft", "recover", "-data-dir=/none"), 1, "either -self-only or -server"),
    (("operator", "raft", "recover", "-data-dir=/none", "-self-only", "-server=a,b,c"), 1, "and not both"),
    (("operator", "raft", "recover", "-data-dir=/none", "-self-only"), 1, "there is no directory /none"),
    (("operator", "raft", "recover", "-data-dir=/", "-self-only"), 1, "name it with -node-id"),
    (("operator", "raft", "recover", "-data-dir=/", "x", "-dry-run"), 1, "unexpected arguments: x -dry-run"),
    (("leave", "now"), 1, "unexpected arguments: now"),
    (("reload", "now"), 1, "unexpected arguments: now"),
    (("operator", "raft", "recover", "-data-dir=/none", "-self-only", "-node-id=x"), 1, "'x' is no UUID"),
    (("operator", "raft", "recover", "-data-dir=/none", "-self-only", f"-node-id={ID}"), 1, "there is no log in /none"),
    (("operator", "march"), 1, "no command 'march'"),
    (("snapshot", "save"), 1, "missing FILE"),
    (("snapshot", "save", "a", "b"), 1, "too many arguments: expected 1, got 2"),
    (("snapshot", "save", "-from-data-dir=", "a"), 1, "-from-data-dir is empty"),
    (("snapshot", "restore"), 1, "missing FILE"),
    (("snapshot", "restore", "/none"), 1, "cannot read /none: no such file"),
    (("snapshot", "restore", "/dev/null"), 1, "/dev/null: the snapshot is cut off"),
    (("snapshot", "inspect"), 1, "missing FILE"),
    (("snapshot", "inspect", "/none"), 1, "cannot read /none: no such file"),
    (("snapshot", "inspect", "-http-addr=x", "a"), 1, "no flag -http-addr"),
    (("join",), 1, "at least one address"),
    (("force-leave",), 1, "single node name"),
    (("members", "-status=("), 1, "no regular expression"),
    (("version", "-format=xml"), 1, "pretty or json"),
    (("validate",), 1, "at least one configuration file"),
    (("validate", "-config-format=xml", "x"), 1, "hcl or json"),
    (("agent", "extra"), 1, "unexpected arguments: extra"),
    (("agent",), 1, "data_dir: cannot be empty"),
    (("agent", "-dev", "-http-port=x"), 1, "-http-port: must be a whole number"),
    (("kv", "get", "-http-addr=foo://x", "a"), 1, "unknown scheme"),
    (("kv", "get", "-token-file=/none", "a"), 1, "token file /none"),
    (("march",), 127, "no command 'march'"),
    (("membres",), 127, "did you mean `lictor members`?"),
    (("kv", "gte"), 1, "did you mean `lictor kv get`?"),
]  # fmt: skip


@pytest.mark.parametrize("words", LEAVES, ids=" ".join)
def test_every_command_explains_itself(lonely_command: Command, words: tuple[str, ...]) -> None:
    printed = lonely_command(*words, "-help")
    assert (printed.exit_code, printed.stderr) == (0, "")
    options = "" if words in (("completion",), ("keygen",), ("torture",)) else " [options]"
    assert printed.lines[0].startswith(f"Usage: lictor {' '.join(words)}{options}")
    assert "Examples:" in printed.lines
    assert all(len(line) <= 100 for line in printed.lines)
    assert "  " in printed.lines[2]


def test_the_environment_says_which_proxy_to_be_where_no_flag_does(
    lonely_command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Consul 1.8.7 reads these two variables."""
    monkeypatch.setenv("CONNECT_SIDECAR_FOR", "web-1")
    asked = lonely_command("connect", "proxy")
    assert (asked.exit_code, "could not reach the agent" in asked.stderr) == (1, True)
    monkeypatch.setenv("CONNECT_PROXY_ID", "web-1-sidecar-proxy")
    assert "-sidecar-for and -proxy-id each name a proxy" in lonely_command("connect", "proxy").stderr
    assert "there is nothing to serve" in lonely_command("connect", "proxy", "-service=web").stderr


@pytest.mark.parametrize("words", GROUPS, ids=" ".join)
def test_a_group_alone_shows_its_commands_on_stderr(lonely_command: Command, words: tuple[str, ...]) -> None:
    printed = lonely_command(*words)
    assert (printed.exit_code, printed.stdout) == (1, "")
    assert f"Usage: lictor {' '.join(words)} COMMAND" in printed.stderr
    asked = lonely_command(*words, "-h")
    assert (asked.exit_code, asked.stdout) == (0, printed.stderr)


def test_the_program_alone_shows_the_commands(lonely_command: Command) -> None:
    printed = lonely_command()
    assert (printed.exit_code, printed.stdout) == (127, "")
    assert all(f"\n  {name} " in printed.stderr for name in COMMANDS)
    assert lonely_command("--help").stdout == printed.stderr


def test_the_lists_of_commands_above_are_complete() -> None:
    assert {words[0] for words in LEAVES} == set(COMMANDS)


@pytest.mark.parametrize(("words", "exit_code"), LONELY, ids=str)
def test_without_an_agent_the_next_step_is_told(
    lonely_command: Command, words: tuple[str, ...], exit_code: int
) -> None:
    printed = lonely_command(*words)
    assert (printed.exit_code, printed.stdout) == (exit_code, "")
    assert printed.stderr.count("\n") == 1
    assert "could not reach the agent at http://127.0.0.1:1 (connection refused): is it running?" in printed.stderr
    assert "`lictor agent -dev`" in printed.stderr


@pytest.mark.parametrize(("words", "exit_code", "reason"), WRONG, ids=str)
def test_a_wrong_command_line_is_told(
    lonely_command: Command, words: tuple[str, ...], exit_code: int, reason: str
) -> None:
    printed = lonely_command(*words)
    assert (printed.exit_code, printed.stdout) == (exit_code, "")
    assert reason in printed.stderr


def test_the_version_names_both(lonely_command: Command) -> None:
    assert "Consul v1.8.7" in lonely_command("version").stdout
    assert lonely_command("--version").stdout == lonely_command("version").stdout
    shown = json.loads(lonely_command("version", "-format=json").stdout)
    assert shown["Compatible"] == "1.8.7"
    assert shown["Wire"] == {"Min": PROTOCOL_MIN, "Max": PROTOCOL_MAX}


def test_keys_are_written_read_and_deleted(command: Command) -> None:
    assert command("kv", "put", "t/a", "1").stdout == "Success! Data written to: t/a\n"
    assert command("kv", "put", "-flags=7", "t/b/c").stdout == "Success! Data written to: t/b/c\n"
    assert command("kv", "put", "-base64", "t/d", "aGk=").exit_code == 0
    assert command("kv", "get", "t/a").stdout == "1\n"
    assert command("kv", "get", "/t/a").stdout == "1\n"
    assert command("kv", "get", "-base64", "t/d").stdout == "aGk=\n"
    assert command("kv", "get", "-recurse", "t/").lines == ["t/a:1", "t/b/c:", "t/d:hi"]
    assert command("kv", "get", "-keys", "t/").lines == ["t/a", "t/b/", "t/d"]
    assert command("kv", "get", "-keys", "-separator=", "t/").lines == ["t/a", "t/b/c", "t/d"]
    detailed = command("kv", "get", "-detailed", "t/b/c").lines
    assert detailed[1:4] == ["Flags            7", "Key              t/b/c", "LockIndex        0"]
    assert detailed[5:] == ["Session          -", "Value"]
    assert command("kv", "delete", "t/a").stdout == "Success! Deleted key: t/a\n"
    missing = command("kv", "get", "t/a")
    assert (missing.exit_code, missing.stdout, missing.stderr) == (1, "", "Error: no key exists at: t/a\n")
    assert command("kv", "delete", "-recurse", "t/").stdout == "Success! Deleted keys with prefix: t/\n"
    assert command("kv", "get", "-recurse", "t/").stdout == ""


def test_a_key_may_be_any_bytes(live_agent: DevAgent) -> None:
    key = b"t/\xff\xfe"
    done = _kv(live_agent, b"put", key, b"v\xff")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"Success! Data written to: t/\xff\xfe\n", b"")
    assert _kv(live_agent, b"get", key).stdout == b"v\xff\n"
    assert _kv(live_agent, b"delete", key).stdout == b"Success! Deleted key: t/\xff\xfe\n"
    assert _kv(live_agent, b"get", key).returncode == 1


def test_bytes_that_json_cannot_carry_are_told(lonely_command: Command) -> None:
    told = lonely_command("intention", "create", "web\udcff", "db")
    assert (told.exit_code, told.stdout) == (1, "")
    assert "no UTF-8" in told.stderr


def test_compare_and_set_tells_who_lost(command: Command) -> None:
    command("kv", "put", "cas", "1")
    lost = command("kv", "put", "-cas", "-modify-index=1", "cas", "2")
    assert (lost.exit_code, lost.stdout) == (1, "")
    assert "compare-and-set failed" in lost.stderr
    index = command("kv", "get", "-detailed", "cas").lines[4].split()[1]
    assert command("kv", "put", "-cas", f"-modify-index={index}", "cas", "2").exit_code == 0
    assert command("kv", "delete", "-cas", "-modify-index=1", "cas").exit_code == 1
    command("kv", "delete", "cas")


def test_what_is_exported_is_imported(command: Command, tmp_path: Path) -> None:
    for key, value in {"x/a": "ä", "x/b": "", "x/c": "\x01"}.items():
        command("kv", "put", "-flags=3", key, value)
    exported = command("kv", "export", "x/").stdout
    assert exported.startswith('[\n\t{\n\t\t"key": "x/a",\n\t\t"flags": 3,\n\t\t"value": "w6Q="\n\t},\n')
    file = tmp_path / "x.json"
    file.write_text(exported)
    command("kv", "delete", "-recurse", "x/")
    assert command("kv", "import", f"@{file}").lines == ["Imported: x/a", "Imported: x/b", "Imported: x/c"]
    assert command("kv", "export", "x/").stdout == exported
    command("kv", "delete", "-recurse", "x/")
    assert command("kv", "export", "x/").stdout == "[]\n"


def test_services_come_and_go(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "two.hcl"
    file.write_text(
        'service { name = "one" tags = ["b", "a"] }\nservices { name = "two" id = "two-1" check { ttl = "1m" } }'
    )
    assert command("services", "register", str(file)).lines == ["Registered service: one", "Registered service: two"]
    assert command("services", "register", "-name=db", "-id=db-1", "-port=5432", "-tag=x", "-meta=a=b").lines == [
        "Registered service: db"
    ]
    assert {"consul", "db", "one", "two"} <= set(command("catalog", "services").lines)
    rows = [line.partition(" ") for line in command("catalog", "services", "-tags").lines]
    tagged = {name: tags.strip() for name, _, tags in rows}
    assert (tagged["db"], tagged["one"], tagged["two"]) == ("x", "a,b", "")
    assert command("catalog", "services", "-node=nobody").stderr.startswith("No services match")
    assert command("catalog", "nodes", "-service=db").lines[1].startswith("judge  ")
    assert command("services", "deregister", str(file)).lines == [
        "Deregistered service: one",
        "Deregistered service: two-1",
    ]
    assert command("services", "deregister", "-id=db-1").exit_code == 0
    assert not {"db", "one", "two"} & set(command("catalog", "services").lines)


def test_where_a_registration_came_from_is_told(command: Command) -> None:
    assert command("services", "register", "-name=told", "-id=told-1", "-port=80").exit_code == 0
    told = command("explain", "service", "told-1")
    assert told.exit_code == 0
    assert told.lines[0].startswith("told-1 is an instance of told on ")
    assert "registered over HTTP by 127.0.0.1 at 20" in told.stdout
    assert "lictor services deregister -id=told-1" in told.stdout
    elsewhere = command("explain", "service", "told")
    assert (elsewhere.exit_code, "told-1 on " in elsewhere.stdout) == (0, True)
    assert command("services", "deregister", "-id=told-1").exit_code == 0
    nowhere = command("explain", "service", "told-1")
    assert (nowhere.exit_code, "no service of that name" in nowhere.stderr) == (1, True)


def test_why_dns_answers_as_it_does_is_told(command: Command) -> None:
    assert command("services", "register", "-name=asked", "-port=80", "-tag=v1").exit_code == 0
    told = command("dns", "explain", "v1.asked.service.consul", "SRV")
    assert told.exit_code == 0
    assert told.lines[0] == "Question    v1.asked.service.consul. SRV over UDP, at most 512 bytes"
    assert told.lines[1] == "Read as     the instances of the service asked with the tag v1"
    assert told.lines[2].startswith("Answer      NOERROR: 1 of 1 instances are given; ")
    assert told.lines[3].startswith("Made from   service:asked at index ")
    assert "  80    passing  yes    " in told.stdout
    assert "\nAnswers\n  v1.asked.service.consul. 0 IN SRV 1 1 80 " in told.stdout
    other = command("dns", "explain", "-tcp", "v2.asked.service.consul")
    assert "A over TCP, at most 65535 bytes" in other.stdout
    assert "no     it does not have the tag v2" in other.stdout
    odd = command("dns", "explain", "asked.service.consul", "NOSUCH")
    assert (odd.exit_code, "no type of DNS records" in odd.stderr) == (1, True)
    as_json = json.loads(command("dns", "explain", "-format=json", "-edns=1232", "asked.service.consul").stdout)
    assert (as_json["BytesMax"], as_json["Instances"][0]["Given"]) == (1232, True)
    assert command("services", "deregister", "-id=asked").exit_code == 0


def test_a_file_with_a_fault_registers_nothing(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "bad.json"
    file.write_text('{"services": [{"name": "good"}, {"name": "bad", "port": "80"}]}')
    printed = command("services", "register", str(file))
    assert (printed.exit_code, printed.stdout) == (1, "")
    assert "bad.json:1: services[1].port: must be a whole number" in printed.stderr
    assert "good" not in command("catalog", "services").lines


def test_who_is_nowhere_is_not_joined_and_who_is_unknown_not_forced_out(command: Command) -> None:
    nowhere = command("join", "127.0.0.1:1", "127.0.0.1:2")
    assert (nowhere.exit_code, nowhere.stdout) == (1, "")
    assert nowhere.stderr.count("Failed to join 127.0.0.1:") == 2
    assert nowhere.stderr.endswith("failed to join any nodes\n")
    assert "no other datacenters" in command("join", "-wan", "127.0.0.1:1").stderr
    unknown = command("force-leave", "-prune", "nobody")
    assert unknown.exit_code == 1
    assert "agent: No node found with name 'nobody'" in unknown.stderr


def test_servers_come_before_other_members(command: Command) -> None:
    def answer(seen: Seen) -> Reply:
        roles = {"zeta": "consul", "beta": "node", "alpha": "node", "omega": "consul"}
        numbers = dict.fromkeys(
            ("ProtocolMin", "ProtocolMax", "ProtocolCur", "DelegateMin", "DelegateMax", "DelegateCur"), 2
        )
        members = [
            {"Name": name, "Addr": "192.0.2.1", "Port": 1, "Status": 1, "Tags": {"dc": "dc1", "role": role}, **numbers}
            for name, role in roles.items()
        ]
        return Reply(body=json.dumps(members).encode())

    with fake_agent(answer) as fake:
        lines = command("members", f"-http-addr={fake.address}").lines
    assert [line.split()[0] for line in lines[1:]] == ["omega", "zeta", "alpha", "beta"]


def test_nodes_and_members_are_tables(command: Command) -> None:
    nodes = command("catalog", "nodes").lines
    assert nodes[0].split() == ["Node", "ID", "Address", "DC"]
    assert len(nodes[1].split()[1]) == 8
    assert command("catalog", "nodes", "-detailed").lines[0].split()[-2:] == ["TaggedAddresses", "Meta"]
    assert command("catalog", "nodes", "-node-meta=x=y").stderr.startswith("No nodes match")
    assert command("catalog", "datacenters").lines == ["dc1"]
    members = command("members").lines
    assert members[0] == "Node   Address         Status  Type    Build  Protocol  DC   Segment"
    assert members[1].split()[2:] == ["alive", "server", "1.8.7", "2", "dc1", "<all>"]
    assert "role=consul" in command("members", "-detailed").lines[1]
    assert command("members", "-status=left").exit_code == 2
    assert "consul:" in command("info").lines


def test_intentions_are_made_asked_and_deleted(command: Command, tmp_path: Path) -> None:
    assert command("intention", "create", "-meta=a=b", "web", "db").lines == ["Created: web => db (allow)"]
    again = command("intention", "create", "web", "db")
    assert (again.exit_code, 'creating intention "web => db (allow)": ' in again.stderr) == (1, True)
    assert command("intention", "check", "web", "db").lines == ["Allowed"]
    assert command("intention", "create", "-replace", "-deny", "web", "db").exit_code == 0
    denied = command("intention", "check", "web", "db")
    assert (denied.exit_code, denied.lines) == (1, ["Denied"])
    file = tmp_path / "any.json"
    file.write_text('{"SourceName": "*", "DestinationName": "db", "Action": "deny"}')
    assert command("intention", "create", "-file", str(file)).lines == ["Created: * => db (deny)"]
    assert command("intention", "match", "db").lines == ["web => db (deny)", "* => db (deny)"]
    shown = command("intention", "get", "*", "db").lines
    assert shown[:3] == ["Source:       *", "Destination:  db", "Action:       deny"]
    assert shown[-1].endswith(" UTC")
    intention_id = shown[3].split()[1]
    assert command("intention", "get", intention_id).lines == shown
    assert command("intention", "delete", intention_id).lines == ["Intention deleted."]
    assert command("intention", "delete", "web", "db").exit_code == 0
    gone = command("intention", "get", "web", "db")
    assert (gone.exit_code, "there is no intention" in gone.stderr) == (1, True)
    unknown = command("intention", "get", "00000000-0000-0000-0000-000000000000")
    assert (unknown.exit_code, "there is no intention" in unknown.stderr) == (1, True)


def test_intentions_are_listed_explained_and_waited_for(command: Command, tmp_path: Path) -> None:
    assert command("intention", "list").lines == ["There are no intentions."]
    created = command("intention", "create", "-wait-enforced=1s", "-deny", "web", "db")
    assert created.lines[0] == "Created: web => db (deny)"
    assert created.lines[1].startswith("Enforced by 0 of 0 proxies, at index ")
    file = tmp_path / "api.json"
    permission = {"Action": "allow", "HTTP": {"PathPrefix": "/v1", "Methods": ["GET"]}}
    entry = {"Kind": "service-intentions", "Name": "api", "Sources": [{"Name": "web", "Permissions": [permission]}]}
    file.write_text(json.dumps(entry))
    assert command("config", "write", "-wait-enforced=1s", str(file)).lines[0].startswith("Config entry written")
    rows = [line.split(maxsplit=1)[1].split() for line in command("intention", "list").lines]
    assert rows == [
        ["Source", "Action", "Destination", "Precedence"],
        ["web", "1", "permission", "api", "9"],
        ["web", "deny", "db", "9"],
    ]
    filtered = command("intention", "list", "-filter", "DestinationName == db", "-format=json")
    assert [row["SourceName"] for row in json.loads(filtered.stdout)] == ["web"]

    connection = command("intention", "explain", "web", "api").lines
    assert "Verdict     Depends on the request" in connection
    told = command("intention", "explain", "-path=/v1/x", "-header=a:b", "web", "api").lines
    assert "Verdict     Allowed" in told
    assert any("#1" in line and "decides" in line for line in told)
    denied = command("intention", "explain", "-format=json", "web", "db")
    assert (json.loads(denied.stdout)["Verdict"], denied.exit_code) == ("deny", 0)

    rules = tmp_path / "rules.json"
    source = {"SourceName": "job", "DestinationName": "api", "Permissions": [permission]}
    rules.write_text(json.dumps(source))
    assert command("intention", "create", "-file", str(rules)).lines == ["Created: job => api (permissions)"]
    again = command("intention", "create", "-file", str(rules))
    assert (again.exit_code, "-replace replaces it" in again.stderr) == (1, True)
    assert command("intention", "create", "-replace", "-deny", "job", "api").exit_code == 0
    assert command("intention", "match", "api").lines == ["job => api (deny)", "web => api (1 permission)"]
    assert command("intention", "delete", "job", "api").exit_code == 0
    assert command("connect", "proxies").lines == ["No proxy of this agent has told of itself."]
    for name in ("api", "db"):
        assert command("intention", "delete", "web", name).exit_code == 0


def test_the_authority_is_shown_and_changed(command: Command, tmp_path: Path) -> None:
    shown = command("connect", "ca", "get-config").stdout
    settings = json.loads(shown)
    assert list(settings) == ["Provider", "Config", "State", "CreateIndex", "ModifyIndex"]
    settings["Config"]["LeafCertTTL"] = "71h"
    file = tmp_path / "ca.json"
    file.write_text(json.dumps(settings))
    assert command("connect", "ca", "set-config", f"-config-file={file}").lines == ["Configuration updated!"]
    assert json.loads(command("connect", "ca", "get-config").stdout)["Config"]["LeafCertTTL"] == "71h"


def test_an_unknown_datacenter_is_told(command: Command) -> None:
    printed = command("kv", "get", "-datacenter=nowhere", "a")
    assert (printed.exit_code, printed.stderr) == (
        1,
        "Error: Unexpected response code: 500 (No path to datacenter): "
        "`lictor catalog datacenters` lists those that are known\n",
    )


def test_a_configuration_is_validated(lonely_command: Command, tmp_path: Path) -> None:
    good = tmp_path / "good.hcl"
    good.write_text('data_dir = "/x"\nbind_addr = "127.0.0.1"\nretry_join_wan = ["x"]\n')
    printed = lonely_command("validate", str(good))
    assert (printed.exit_code, printed.stdout) == (0, "Configuration is valid!\n")
    assert printed.stderr == "not used by Lictor: retry_join_wan\n"
    assert lonely_command("validate", "-quiet", str(good)).stdout == ""
    bad = tmp_path / "bad.hcl"
    bad.write_text("bogus = 1\nports { http = true }\n")
    printed = lonely_command("validate", str(good), str(bad))
    assert (printed.exit_code, printed.stdout) == (1, "")
    assert f"{bad}:1: bogus: unknown key" in printed.stderr
    assert f"{bad}:2: ports.http: must be a whole number, not true" in printed.stderr


def test_flags_reach_the_agent(lonely_command: Command) -> None:
    with fake_agent(lambda _: Reply(body=b"[]")) as fake:
        lonely_command(
            "catalog", "nodes", f"-http-addr={fake.address}", "-token=t", "-stale", "--datacenter", "d", "-near=_agent"
        )
    assert fake.seen[0].target == "/v1/catalog/nodes?dc=d&near=_agent&stale="
    assert fake.seen[0].headers["x-consul-token"] == "t"


def test_the_servers_are_listed_and_the_only_one_stays(command: Command) -> None:
    heading, row = command("operator", "raft", "list-peers").lines
    assert heading.split() == ["Node", "ID", "Address", "State", "Voter", "RaftProtocol"]
    name, id, address, *rest = row.split()
    assert (name, rest) == ("judge", ["leader", "true", "3"])
    assert command("operator", "raft", "list-peers", "-stale").lines[1] == row
    for named in (f"-id={id}", f"-address={address}"):
        refused = command("operator", "raft", "remove-peer", named)
        assert (refused.exit_code, "the only voter" in refused.stderr) == (1, True)
    unknown = command("operator", "raft", "remove-peer", "-id=nobody")
    assert (unknown.exit_code, "nobody" in unknown.stderr) == (1, True)
    alone = command("operator", "raft", "transfer-leader")
    assert (alone.exit_code, "the only voter" in alone.stderr) == (1, True)


def test_autopilot_is_shown_and_changed_setting_by_setting(command: Command) -> None:
    before = command("operator", "autopilot", "get-config").lines
    assert before == [
        "CleanupDeadServers = true",
        "LastContactThreshold = 200ms",
        "MaxTrailingLogs = 250",
        "MinQuorum = 0",
        "ServerStabilizationTime = 10s",
        'RedundancyZoneTag = ""',
        "DisableUpgradeMigration = false",
        'UpgradeVersionTag = ""',
    ]
    changed = command(
        "operator", "autopilot", "set-config", "-min-quorum=3", "-cleanup-dead-servers=false",
        "-server-stabilization-time=90s", "-redundancy-zone-tag=zone",
    )  # fmt: skip
    assert changed.lines == ["Configuration updated!"]
    after = dict(line.split(" = ") for line in command("operator", "autopilot", "get-config").lines)
    assert after["ServerStabilizationTime"] == "1m30s"
    assert (after["MinQuorum"], after["CleanupDeadServers"], after["MaxTrailingLogs"]) == ("3", "false", "250")
    assert after["RedundancyZoneTag"] == '"zone"'
    assert command("operator", "autopilot", "set-config").exit_code == 0
    command(
        "operator", "autopilot", "set-config", "-min-quorum=0", "-cleanup-dead-servers",
        "-server-stabilization-time=10s", "-redundancy-zone-tag=",
    )  # fmt: skip
    assert command("operator", "autopilot", "get-config").lines == before


def test_how_the_servers_do_is_told_to_people_and_to_programs(command: Command) -> None:
    lines = command("operator", "autopilot", "state").lines
    assert lines[:2] == ["Healthy:                       true", "Failure Tolerance:             0"]
    assert "      Name:            judge" in lines
    found = json.loads(command("operator", "autopilot", "state", "-format=json").stdout)
    assert found["Servers"][found["Leader"]]["Status"] == "leader"


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("operator", "raft", "list-peers"), "; -stale asks this agent's own server meanwhile"),
        (("kv", "get"), "; -stale asks this agent's own server meanwhile"),
        (("operator", "autopilot", "state"), ""),
        (("operator", "raft", "transfer-leader"), ""),
    ],
    ids=str,
)
def test_who_finds_no_leader_is_told_what_to_look_at(
    lonely_command: Command, words: tuple[str, ...], hint: str
) -> None:
    with fake_agent(lambda _: Reply(status=500, body=b"No cluster leader")) as fake:
        printed = lonely_command(*words, f"-http-addr={fake.address}", *(["a"] if words[0] == "kv" else []))
    assert printed.exit_code == 1
    assert printed.stderr == (
        "Error: Unexpected response code: 500 (No cluster leader): see that a majority of the servers run" + hint + "\n"
    )


def _kv(agent: DevAgent, *words: bytes) -> "subprocess.CompletedProcess[bytes]":
    """`kv` in a process of its own: only there do arguments come as bytes."""
    environment = {**os.environ, **environment_for_commands(agent.http_address)}
    return subprocess.run([program_of("lictor"), "kv", *words], capture_output=True, timeout=30, env=environment)
