"""`intention create|check|match|get|delete`."""

from tests.support.recorder.cli_scenario import CliScenario, Command

SCENARIO = CliScenario(
    "intentions",
    "Intentions on the command line.",
    (
        Command("create allows by default", ("intention", "create", "web", "db")),
        Command("create a denial", ("intention", "create", "-deny", "api", "db")),
        Command("create for all", ("intention", "create", "-deny", "-meta", "a=b", "*", "*")),
        Command("create once more", ("intention", "create", "web", "db")),
        Command("replace", ("intention", "create", "-replace", "-deny", "web", "db")),
        Command("replace what is not there", ("intention", "create", "-replace", "-allow", "new", "db")),
        Command(
            "create from a file",
            ("intention", "create", "-file", "one.json"),
            files={"one.json": '{"SourceName": "filed", "DestinationName": "db", "Action": "allow"}'},
        ),
        Command("create with a wildcard inside", ("intention", "create", "we*", "db")),
        Command("create with allow and deny", ("intention", "create", "-allow", "-deny", "x", "y"), own_words=True),
        Command("create with one name", ("intention", "create", "web"), own_words=True),
        Command("check an allowed pair", ("intention", "check", "new", "db")),
        Command("check a denied pair", ("intention", "check", "web", "db")),
        Command("check with one name", ("intention", "check", "web"), own_words=True),
        Command("match by destination", ("intention", "match", "db")),
        Command("match by source", ("intention", "match", "-source", "web")),
        Command("match of a name without its own", ("intention", "match", "other")),
        Command("match without a name", ("intention", "match"), own_words=True),
        Command("get by names", ("intention", "get", "api", "db")),
        Command("get with meta and a description", ("intention", "get", "*", "*")),
        Command("get of an unknown pair", ("intention", "get", "no", "body")),
        Command(
            "get of an unknown id",
            ("intention", "get", "11111111-2222-3333-4444-555555555555"),
            differs={"exit_code": "Consul's command crashes"},
        ),
        Command("delete by names", ("intention", "delete", "api", "db")),
        Command("delete an unknown pair", ("intention", "delete", "api", "db")),
        Command("delete an unknown id", ("intention", "delete", "11111111-2222-3333-4444-555555555555")),
        Command("delete without a name", ("intention", "delete"), own_words=True),
        Command("check falls to the wildcard", ("intention", "check", "api", "db")),
        Command("intention alone", ("intention",), own_words=True),
    ),
)
