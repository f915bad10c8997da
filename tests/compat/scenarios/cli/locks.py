"""`lock` and `event`."""

from tests.support.recorder.cli_scenario import CliScenario, Command
from tests.support.recorder.scenario import Step

SCENARIO = CliScenario(
    "locks",
    "Commands under a lock, and events, on the command line.",
    (
        Command("a command under a lock", ("lock", "-shell=false", "locks/a", "echo", "done")),
        Command("it is told that the lock is held", ("lock", "locks/a", "echo $CONSUL_LOCK_HELD")),
        Command("what is left of the lock", ("kv", "get", "-keys", "locks/")),
        Command("a place in a semaphore", ("lock", "-n=2", "-shell=false", "locks/b", "echo", "done")),
        Command("what is left of the semaphore", ("kv", "get", "-keys", "locks/")),
        Command("a command that fails", ("lock", "locks/a", "exit 3")),
        Command("and is asked for", ("lock", "-child-exit-code", "locks/a", "exit 3")),
        Command(
            "a command that is not there",
            ("lock", "-shell=false", "locks/a", "/none/such"),
            differs={"exit_code": "what was never started is no success"},
        ),
        Command("standard input is not passed on", ("lock", "locks/a", "cat"), stdin="said"),
        Command("unless it is asked for", ("lock", "-pass-stdin", "locks/a", "cat"), stdin="said"),
        Command("without a command", ("lock", "locks/a")),
        Command("without anything", ("lock",)),
        Command("with room for nobody", ("lock", "-n=0", "locks/a", "true")),
        Command("with a negative time", ("lock", "-timeout=-1s", "locks/a", "true")),
        Command("with a time that is none", ("lock", "-timeout=soon", "locks/a", "true")),
        Step("a key that is no lock", "PUT", "/v1/kv/locks/c/.lock", b"value"),
        Command("is a conflict", ("lock", "locks/c", "echo had")),
        Command("without an agent", ("lock", "locks/a", "true"), reachable=False),
        Command("an event", ("event", "-name=deploy", "1.2.3")),
        Command("an event with filters", ("event", "-name=deploy", "-node=a.*", "-service=web", "-tag=v1")),
        Command("an event without a name", ("event", "1.2.3")),
        Command("an event with a tag alone", ("event", "-name=deploy", "-tag=v1")),
        Command("an event with two payloads", ("event", "-name=deploy", "1", "2")),
        Command("an event with a filter that is none", ("event", "-name=deploy", "-node=(")),
        Command("an event without an agent", ("event", "-name=deploy"), reachable=False),
    ),
)
