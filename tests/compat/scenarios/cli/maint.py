"""`maint` and `rtt`."""

from tests.support.recorder.cli_scenario import CliScenario, Command
from tests.support.recorder.json_types import Json
from tests.support.recorder.scenario import Step


def coord(x: float) -> Json:
    return {"Vec": [x, 0, 0, 0, 0, 0, 0, 0], "Error": 0.5, "Adjustment": 0, "Height": 0.001}


SCENARIO = CliScenario(
    "maint",
    "Out of service and back, and how far nodes are from one another.",
    (
        Command("nothing is in maintenance", ("maint",)),
        Command("the node goes into maintenance", ("maint", "-enable", "-reason=new kernel")),
        Command("it is listed", ("maint",)),
        Command("again", ("maint", "-enable", "-reason=other")),
        Command("the first reason stays", ("maint",)),
        Command("a service", ("services", "register", "-name=web")),
        Command("goes too", ("maint", "-enable", "-service=web", "-reason=upgrade")),
        Command("both are listed", ("maint",), unordered=True),
        Command("the node comes back", ("maint", "-disable")),
        Command("without a reason", ("maint", "-enable")),
        Command("there is a default one", ("maint",), unordered=True),
        Command("and back", ("maint", "-disable")),
        Command("the service comes back", ("maint", "-disable", "-service", "web")),
        Command("nothing is listed", ("maint",)),
        Command("an unknown service", ("maint", "-enable", "-service=nobody")),
        Command("both at once", ("maint", "-enable", "-disable")),
        Command("a reason alone", ("maint", "-reason=x")),
        Command("a service alone", ("maint", "-service=web")),
        Command("no agent", ("maint",), reachable=False),
        Step("a node", "PUT", "/v1/catalog/register", {"Node": "alpha", "Address": "192.0.2.1"}),
        Step("another", "PUT", "/v1/catalog/register", {"Node": "beta", "Address": "192.0.2.2"}),
        Step("it stands", "PUT", "/v1/coordinate/update", {"Node": "alpha", "Coord": coord(0.010)}),
        Step("here", "PUT", "/v1/coordinate/update", {"Node": "beta", "Coord": coord(0.0375)}),
        Command("two nodes", ("rtt", "alpha", "beta"), until="Estimated"),
        Command("the other way round", ("rtt", "beta", "alpha"), until="Estimated"),
        Command("a node without a place", ("rtt", "alpha", "nobody")),
        Command("no node", ("rtt",)),
        Command("too many nodes", ("rtt", "a", "b", "c")),
        Command("no datacenter", ("rtt", "-wan", "alpha")),
        Command("no such server", ("rtt", "-wan", "alpha.dc1", "beta.dc1")),
        Command("rtt without an agent", ("rtt", "a", "b"), reachable=False),
    ),
)
