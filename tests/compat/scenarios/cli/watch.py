"""`watch`: what it prints, what it gives to a program, and how it ends. A program that fails ends the watch."""

from tests.support.recorder.cli_scenario import CliScenario, Command
from tests.support.recorder.scenario import Step

SHOW = r"""sed -E 's/Index":[0-9]+/Index":1/g'; exit 3"""
ORDER = {"stdout.*": "the members of a service come in another order, to which JSON gives no meaning"}

SCENARIO = CliScenario(
    "watch",
    "Watches on the command line.",
    (
        Command("a key that is not there", ("watch", "-type=key", "-key=a")),
        Command("a prefix with nothing below", ("watch", "-type=keyprefix", "-prefix=a")),
        Step("a key", "PUT", "/v1/kv/a/b", b"one"),
        Step("another", "PUT", "/v1/kv/a/c", b"<two>"),
        Command("a key", ("watch", "-type=key", "-key=a/b")),
        Command("keys under a prefix", ("watch", "-type=keyprefix", "-prefix=a/")),
        Step(
            "a node",
            "PUT",
            "/v1/catalog/register",
            {
                "ID": "40e4a748-2192-161a-0510-9bf59fe950b5",
                "Node": "alpha",
                "Address": "192.0.2.1",
                "Service": {"Service": "web", "Port": 80, "Tags": ["a"]},
                "Check": {"CheckID": "web", "Name": "web", "Status": "warning", "ServiceID": "web"},
            },
        ),
        Command("services", ("watch", "-type=services")),
        Command("a service", ("watch", "-type=service", "-service=web"), differs=ORDER),
        Command("a service by tag", ("watch", "-type=service", "-service=web", "-tag=b")),
        Command("a service's healthy instances", ("watch", "-type=service", "-service=web", "-passingonly=true")),
        Command("checks in a state", ("watch", "-type=checks", "-state=warning")),
        Command("checks of a service", ("watch", "-type=checks", "-service=web")),
        Command("a program gets compact JSON", ("watch", "-type=key", "-key=a/b", SHOW)),
        Command("for all keys", ("watch", "-type=keyprefix", "-prefix=a", SHOW)),
        Command("for a key that is not there", ("watch", "-type=key", "-key=nothing", SHOW)),
        Command("a program without a shell", ("watch", "-type=key", "-key=a/b", "-shell=false", "false")),
        Command(
            "the index is in the environment",
            ("watch", "-type=key", "-key=a/b", 'test "$$CONSUL_INDEX" -gt 1 && echo yes; exit 1'),
        ),
        Command("no such program", ("watch", "-type=key", "-key=a/b", "-shell=false", "/nowhere/at/all")),
        Command("no type", ("watch",)),
        Command("an unknown type", ("watch", "-type=bogus")),
        Command("no key", ("watch", "-type=key")),
        Command("no prefix", ("watch", "-type=keyprefix")),
        Command("no service", ("watch", "-type=service")),
        Command("service and state", ("watch", "-type=checks", "-service=web", "-state=passing")),
        Command("a flag of another type", ("watch", "-type=nodes", "-key=a")),
        Command("a wrong truth", ("watch", "-type=service", "-service=web", "-passingonly=perhaps")),
        Command("a type for configurations alone", ("watch", "-type=connect_roots")),
        Command("no agent", ("watch", "-type=nodes"), reachable=False),
    ),
)
