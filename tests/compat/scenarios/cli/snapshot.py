"""`snapshot save|restore|inspect`."""

from tests.support.recorder.cli_scenario import CliScenario, Command

SCENARIO = CliScenario(
    "snapshot",
    "All state to a file and back.",
    (
        Command("a key to be saved", ("kv", "put", "a", "saved")),
        Command("save", ("snapshot", "save", "backup.snap")),
        Command("a later value", ("kv", "put", "a", "later")),
        Command("a later key", ("kv", "put", "b", "later")),
        Command("restore", ("snapshot", "restore", "backup.snap")),
        Command("the saved value is there again", ("kv", "get", "a"), until="saved"),
        Command("the later key is gone", ("kv", "get", "b")),
        Command("save again over the same file", ("snapshot", "save", "-stale", "backup.snap")),
        Command("inspect", ("snapshot", "inspect", "backup.snap")),
        Command("save without a file", ("snapshot", "save")),
        Command("save to two files", ("snapshot", "save", "a", "b")),
        Command("save to a directory that is not there", ("snapshot", "save", "none/backup.snap")),
        Command("save from an unknown datacenter", ("snapshot", "save", "-datacenter=elsewhere", "other.snap")),
        Command("save without an agent", ("snapshot", "save", "other.snap"), reachable=False),
        Command("nothing was saved", ("snapshot", "inspect", "other.snap")),
        Command("restore without a file", ("snapshot", "restore")),
        Command("restore two files", ("snapshot", "restore", "a", "b")),
        Command("restore a file that is not there", ("snapshot", "restore", "none.snap")),
        Command("restore text", ("snapshot", "restore", "text"), files={"text": "nonsense"}),
        Command("restore into an unknown datacenter", ("snapshot", "restore", "-datacenter=elsewhere", "backup.snap")),
        Command("restore without an agent", ("snapshot", "restore", "backup.snap"), reachable=False),
        Command("inspect without a file", ("snapshot", "inspect")),
        Command("inspect two files", ("snapshot", "inspect", "a", "b")),
        Command("inspect a file that is not there", ("snapshot", "inspect", "none.snap")),
        Command("inspect text", ("snapshot", "inspect", "text")),
        Command("no command", ("snapshot",), own_words=True),
        Command("an unknown command", ("snapshot", "dream"), own_words=True),
    ),
)
