"""`exec`, beside an agent that takes commands from others."""

from tests.support.recorder.cli_scenario import CliScenario, Command

_QUICK = "-wait=400ms"
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
        Command("a command", ("exec", _QUICK, "echo", "salve"), unordered=True),
        Command("both outputs", ("exec", _QUICK, "echo out; echo err >&2"), unordered=True),
        Command("lines", ("exec", _QUICK, "printf 'a\\n\\nb'"), unordered=True),
        Command("no output", ("exec", _QUICK, "true")),
        Command("a command that fails", ("exec", _QUICK, "exit 3")),
        Command("without a shell", ("exec", _QUICK, "-shell=false", "echo", "$HOME", "a  b"), unordered=True),
        Command("a script", ("exec", _QUICK, "-"), stdin="echo one\necho two\n", unordered=True),
        Command(
            "a command that is not there",
            ("exec", _QUICK, "-shell=false", "no-such-command"),
            unordered=True,
            differs={"stdout": _SAYS_WHY},
        ),
        Command("nobody is found", ("exec", _QUICK, "-node=nobody", "echo")),
        Command("no service is found", ("exec", _QUICK, "-service=nothing", "echo")),
        Command("a service is found", ("exec", _QUICK, "-service=^consul$", "true")),
        Command("another prefix", ("exec", _QUICK, "-prefix=elsewhere/below", "true")),
        Command("at once", ("exec", _QUICK, "-wait-repl=0s", "true")),
        Command("nothing is left", ("kv", "get", "-keys", "")),
        Command("a datacenter that is not there", ("exec", "-datacenter=elsewhere", "echo")),
        Command("no agent, no command", ("exec", "echo"), reachable=False),
    ),
    config={"disable_remote_exec": False},
)
