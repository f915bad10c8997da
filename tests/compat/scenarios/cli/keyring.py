"""`keyring` beside an agent that was given a key."""

from tests.support.recorder.cli_scenario import CliScenario, Command
from tests.support.recorder.scenario import Step

_FIRST = "pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s="
_SECOND = "AAAAAAAAAAAAAAAAAAAAAA=="

SCENARIO = CliScenario(
    "keyring",
    "The keys of an agent that has some.",
    (
        Step("a fresh agent has the key of its configuration", "GET", "/v1/operator/keyring", until=_FIRST),
        Command("keys are listed", ("keyring", "-list")),
        Command("primary keys are listed", ("keyring", "-list-primary")),
        Command("those of this datacenter are listed", ("keyring", "-list", "-local-only")),
        Command("a key is installed", ("keyring", f"-install={_SECOND}")),
        Command("both are listed", ("keyring", "-list"), unordered=True),
        Command("it is used", ("keyring", f"-use={_SECOND}")),
        Command("it is the primary", ("keyring", "-list-primary")),
        Command("the primary is not removed", ("keyring", f"-remove={_SECOND}")),
        Command("the former one is removed", ("keyring", f"-remove={_FIRST}")),
        Command("one is left", ("keyring", "-list")),
        Command("what is not there is not used", ("keyring", f"-use={_FIRST}")),
        Command("what is no key is not installed", ("keyring", "-install=eA==")),
        Command("two actions at once", ("keyring", "-list", f"-use={_FIRST}")),
        Command("no action", ("keyring",), own_words=True),
        Command("a change for this agent alone", ("keyring", "-local-only", f"-use={_FIRST}")),
    ),
    config={"encrypt": _FIRST},
)
