"""`services register|deregister`."""

from tests.support.recorder.cli_scenario import CliScenario, Command

_JSON = """{"service": {"id": "web-1", "name": "web", "tags": ["a"], "port": 8080, "meta": {"x": "y"},
  "check": {"ttl": "30s", "status": "passing"}}}"""
_SEVERAL = """{"services": [{"name": "db", "port": 1}, {"id": "cache-1", "name": "cache", "port": 2}]}"""
_HCL = """
service {
  name = "api"
  port = 9000
  connect { sidecar_service {} }
}
"""

SCENARIO = CliScenario(
    "services",
    "Services registered and deregistered on the command line.",
    (
        Command("register by flags", ("services", "register", "-name", "bare")),
        Command(
            "register by all flags",
            (
                *("services", "register", "-name=full", "-id=full-1", "-address=192.0.2.1", "-port=80"),
                *("-tag=a", "-tag", "b", "-meta", "k=v", "-meta=l=w"),
            ),
        ),
        Command("register from JSON", ("services", "register", "web.json"), files={"web.json": _JSON}),
        Command(
            "register several from JSON", ("services", "register", "several.json"), files={"several.json": _SEVERAL}
        ),
        Command("register from HCL", ("services", "register", "api.hcl"), files={"api.hcl": _HCL}),
        Command("register from two files", ("services", "register", "web.json", "api.hcl")),
        Command("the catalog has them", ("catalog", "services", "-tags"), until="web "),
        Command("deregister by id", ("services", "deregister", "-id", "full-1")),
        Command("deregister by id again", ("services", "deregister", "-id", "full-1")),
        Command("deregister from a file with an id", ("services", "deregister", "web.json")),
        Command("deregister from a file with a name", ("services", "deregister", "several.json")),
        Command("deregister without anything", ("services", "deregister"), own_words=True),
        Command("deregister by id and file", ("services", "deregister", "-id=x", "web.json"), own_words=True),
        Command("register without anything", ("services", "register"), own_words=True),
        Command("register by a name and a file", ("services", "register", "-name=x", "web.json")),
        Command("register without a name", ("services", "register", "-port=80")),
        Command("register from a file that is not there", ("services", "register", "none.json")),
        Command("register from malformed JSON", ("services", "register", "bad.json"), files={"bad.json": "{"}),
        Command(
            "register from a file without services", ("services", "register", "other.json"), files={"other.json": "{}"}
        ),
        Command("register with an invalid port", ("services", "register", "-name=x", "-port=eighty"), own_words=True),
        Command("register with bad meta", ("services", "register", "-name=x", "-meta=nothing"), own_words=True),
        Command(
            "register with an invalid check",
            ("services", "register", "check.json"),
            files={"check.json": '{"service": {"name": "x", "check": {"tcp": "127.0.0.1:1"}}}'},
        ),
        Command(
            "register from a file with an unknown field",
            ("services", "register", "field.json"),
            files={"field.json": '{"service": {"name": "x", "colour": "red"}}'},
        ),
        Command("register where nobody is", ("services", "register", "-name=x"), reachable=False),
        Command("deregister where nobody is", ("services", "deregister", "-id=x"), reachable=False),
    ),
)
