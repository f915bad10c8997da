"""`-namespace`: this edition of Consul has none, and nothing may be done to the one there is instead."""

from tests.support.recorder.cli_scenario import CliScenario, Command

SCENARIO = CliScenario(
    "namespaces",
    "What names a namespace is refused, and what has none goes on.",
    (
        Command("a key", ("kv", "put", "app/a", "1")),
        Command("is not read from a namespace", ("kv", "get", "-namespace=dev", "app/a")),
        Command("nor from the one there is, by its name", ("kv", "get", "-namespace=default", "app/a")),
        Command("nor listed", ("kv", "get", "-namespace=dev", "-recurse", "app/")),
        Command("nor exported", ("kv", "export", "-namespace=dev", "app/")),
        Command("nor written", ("kv", "put", "-namespace=dev", "app/a", "2")),
        Command("nor deleted", ("kv", "delete", "-namespace=dev", "-recurse", "app/")),
        Command("it is as it was", ("kv", "get", "app/a")),
        Command("an empty name is none", ("kv", "get", "-namespace=", "app/a")),
        Command("services of a node are refused", ("catalog", "services", "-namespace=dev", "-node=judge")),
        Command("a service is not registered", ("services", "register", "-namespace=dev", "-name=web")),
        Command("nor deregistered", ("services", "deregister", "-namespace=dev", "-id=web")),
        Command("nor an entry read", ("config", "read", "-namespace=dev", "-kind=proxy-defaults", "-name=global")),
        Command("nor entries listed", ("config", "list", "-namespace=dev", "-kind=proxy-defaults")),
    ),
)
