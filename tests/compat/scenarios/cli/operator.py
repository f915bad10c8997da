"""`operator raft` and `operator autopilot`."""

from tests.support.recorder.cli_scenario import CliScenario, Command

SCENARIO = CliScenario(
    "operator",
    "The servers, as an operator sees and changes them.",
    (
        Command("the peers are a table", ("operator", "raft", "list-peers")),
        Command("any server may tell the peers", ("operator", "raft", "list-peers", "-stale")),
        Command("a removal needs a name", ("operator", "raft", "remove-peer")),
        Command("a removal takes one name", ("operator", "raft", "remove-peer", "-id=a", "-address=b")),
        Command("an unknown peer is not removed", ("operator", "raft", "remove-peer", "-id=nobody")),
        Command("the settings", ("operator", "autopilot", "get-config")),
        Command(
            "settings are changed one by one",
            (
                "operator", "autopilot", "set-config", "-min-quorum=3", "-cleanup-dead-servers=false",
                "-server-stabilization-time=90s", "-redundancy-zone-tag=zone",
            ),
        ),
        Command("the others stay", ("operator", "autopilot", "get-config")),
        Command(
            "settings are taken back",
            (
                "operator", "autopilot", "set-config", "-min-quorum=0", "-cleanup-dead-servers", "-max-trailing-logs=9",
                "-last-contact-threshold=1s", "-redundancy-zone-tag=", "-disable-upgrade-migration",
                "-upgrade-version-tag=build",
            ),
        ),
        Command("as they are now", ("operator", "autopilot", "get-config")),
        Command("nothing is changed without a flag", ("operator", "autopilot", "set-config")),
        Command("a number that is none", ("operator", "autopilot", "set-config", "-max-trailing-logs=x")),
        Command("a duration that is none", ("operator", "autopilot", "set-config", "-last-contact-threshold=x")),
        Command("no agent, no peers", ("operator", "raft", "list-peers"), reachable=False),
        Command("no agent, no removal", ("operator", "raft", "remove-peer", "-id=a"), reachable=False),
        Command("no agent, no settings", ("operator", "autopilot", "get-config"), reachable=False),
        Command("an unknown command", ("operator", "raft", "march"), own_words=True),
    ),
)  # fmt: skip
