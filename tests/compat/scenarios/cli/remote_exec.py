"""`exec`, beside an agent that takes commands from others."""

from tests.support.recorder.cli_scenario import CliScenario, Command

_PATIENT = "-wait=3s"
"""Long enough for an agent beside other tests."""
_QUICK = "-wait=200ms"
"""For what nobody answers."""
_SAYS_WHY = "a command that cannot be started is told in the output, too"

SCENARIO = CliScenario(
    "remote_exec",
    "Commands that nodes carry out for others.",
    (
        Command("nothing to run", ("exec",), own_words=True),
        Command("a tag without a service", ("exec", "-tag=x", "echo")),
        Command("an expression that is none", ("exec", "-node=(", "echo")),
        Command("a service's expression that is none", ("exec", "-service=(", "echo")),
        Command("a script without a shell", ("exec", "-shell=false", "-"), stdin="echo x"),
        Command("both outputs", ("exec", _PATIENT, "echo out; echo err >&2"), unordered=True),
        Command("lines", ("exec", _PATIENT, "printf 'a\\n\\nb'"), unordered=True),
        Command("no output", ("exec", _PATIENT, "true")),
        Command("a command that fails", ("exec", _PATIENT, "exit 3")),
        Command("without a shell", ("exec", _PATIENT, "-shell=false", "echo", "$HOME", "a  b"), unordered=True),
        Command("a script", ("exec", _PATIENT, "-"), stdin="echo one\necho two\n", unordered=True),
        Command(
            "a command that is not there",
            ("exec", _PATIENT, "-shell=false", "no-such-command"),
            unordered=True,
            differs={"stdout": _SAYS_WHY},
            agent_differs=True,
        ),
        Command("nobody is found", ("exec", _QUICK, "-node=nobody", "echo")),
        Command("no service is found", ("exec", _QUICK, "-service=nothing", "echo")),
        Command("a service is found", ("exec", _PATIENT, "-service=^consul$", "true")),
        Command("another prefix", ("exec", _PATIENT, "-wait-repl=0s", "-prefix=elsewhere/below", "true")),
        Command("nothing is left", ("kv", "get", "-keys", "")),
        Command("a datacenter that is not there", ("exec", "-datacenter=elsewhere", "echo")),
        Command("no agent, no command", ("exec", "echo"), reachable=False),
    ),
    config={"disable_remote_exec": False},
)
