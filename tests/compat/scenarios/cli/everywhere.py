"""What every command does alike: refuse a flag that is none, and fail where there is no agent."""

from tests.support.recorder.cli_scenario import CliScenario, Command

_ARGUMENTS: dict[str, tuple[str, ...]] = {
    "catalog datacenters": (),
    "catalog nodes": (),
    "catalog services": (),
    "connect ca get-config": (),
    "event": ("-name=x",),
    "exec": ("x",),
    "force-leave": ("x",),
    "info": (),
    "intention check": ("a", "b"),
    "intention create": ("a", "b"),
    "intention delete": ("a", "b"),
    "intention get": ("a", "b"),
    "intention match": ("a",),
    "join": ("127.0.0.1",),
    "keyring": ("-list",),
    "kv delete": ("a",),
    "kv export": (),
    "kv get": ("a",),
    "kv import": ("[]",),
    "kv put": ("a", "b"),
    "leave": (),
    "maint": (),
    "members": (),
    "monitor": (),
    "operator autopilot get-config": (),
    "operator autopilot set-config": (),
    "operator raft list-peers": (),
    "operator raft remove-peer": ("-id=a",),
    "reload": (),
    "rtt": ("a", "b"),
    "services deregister": ("-id=a",),
    "services register": ("-name=a",),
    "snapshot save": ("a.snap",),
    "watch": ("-type=nodes",),
}
"""A command line of each command that asks an agent for something."""
_OTHERS = (
    "agent", "connect ca set-config", "connect proxy", "debug", "keygen", "lock", "snapshot inspect",
    "snapshot restore", "tls ca create", "tls cert create", "validate", "version",
)  # fmt: skip
_GROUPS = (
    "catalog", "connect", "connect ca", "intention", "kv", "operator", "operator autopilot", "operator raft",
    "services", "snapshot", "tls", "tls ca", "tls cert",
)  # fmt: skip


def _bogus(command: str) -> Command:
    return Command(f"{command} refuses a flag that is none", (*command.split(), "-bogus"), own_words=True)


SCENARIO = CliScenario(
    "everywhere",
    "What every command does alike.",
    (
        *(_bogus(one) for one in (*_ARGUMENTS, *_OTHERS)),
        *(
            Command(f"{one} finds no agent", (*one.split(), *arguments), reachable=False)
            for one, arguments in _ARGUMENTS.items()
        ),
        *(Command(f"{one} alone", tuple(one.split()), own_words=True) for one in _GROUPS),
        *(Command(f"{one} with a command that is none", (*one.split(), "bogus"), own_words=True) for one in _GROUPS),
        Command("help of a command", ("kv", "get", "-help"), own_words=True),
        Command("help of a group", ("kv", "-help"), own_words=True),
        Command("no command", (), own_words=True),
        Command("a command that is none", ("bogus",), own_words=True),
        Command("help of all", ("-help",), own_words=True),
        Command("help of all, in another form", ("--help",), own_words=True),
        Command("the version, as a flag", ("-version",), own_words=True),
        Command("the version, in another form", ("--version",), own_words=True),
        Command("the version", ("version",), own_words=True),
        Command("the version as JSON", ("version", "-format=json"), own_words=True),
        Command("the version as something else", ("version", "-format=xml"), own_words=True),
        Command("an event without a name", ("event",)),
        Command("an event", ("event", "-name=deploy", "payload")),
        Command("an event with two payloads", ("event", "-name=deploy", "a", "b")),
        Command("an event for a tag without a service", ("event", "-name=deploy", "-tag=x")),
        Command("an event for an expression that is none", ("event", "-name=deploy", "-node=(")),
        Command("an event with a large payload", ("event", "-name=deploy", "x" * 600)),
        Command("a round trip without nodes", ("rtt",)),
        Command("a round trip between three", ("rtt", "a", "b", "c")),
        Command("a round trip to nobody", ("rtt", "nobody", "judge")),
        Command("a round trip across datacenters without them", ("rtt", "-wan", "a", "b")),
        Command("a token file that is not there", ("kv", "get", "-token-file=none", "a")),
        Command("a CA that is not there", ("kv", "get", "-http-addr=https://127.0.0.1:1", "-ca-file=none", "a")),
        Command("an address that is none", ("kv", "get", "-http-addr=foo://x", "a")),
        Command("a setting of the CA without a file", ("connect", "ca", "set-config")),
        Command(
            "a setting of the CA in a file that is not there", ("connect", "ca", "set-config", "-config-file=none")
        ),
        Command("a member without a name", ("force-leave",)),
        Command("two members", ("force-leave", "a", "b")),
        Command("nobody to join", ("join",)),
        Command("a server that is not there", ("join", "127.0.0.1:1")),
    ),
)
