"""`catalog datacenters|nodes|services`."""

from tests.support.recorder.cli_scenario import CliScenario, Command
from tests.support.recorder.scenario import Step

SCENARIO = CliScenario(
    "catalog",
    "The catalog on the command line.",
    (
        Command("a fresh catalog's services", ("catalog", "services")),
        Step(
            "a node with a service",
            "PUT",
            "/v1/catalog/register",
            {
                "ID": "40e4a748-2192-161a-0510-9bf59fe950b5",
                "Node": "n1",
                "Address": "192.0.2.1",
                "NodeMeta": {"rack": "r1", "os": "linux"},
                "TaggedAddresses": {"lan": "192.0.2.1", "wan": "198.51.100.1"},
                "Service": {"Service": "web", "Tags": ["a", "primary"], "Port": 80},
            },
        ),
        Step(
            "a node without an id",
            "PUT",
            "/v1/catalog/register",
            {"Node": "n2", "Address": "192.0.2.2", "Service": {"Service": "db", "Port": 5432}},
        ),
        Command("datacenters", ("catalog", "datacenters")),
        Command("nodes", ("catalog", "nodes")),
        Command("nodes with details", ("catalog", "nodes", "-detailed")),
        Command("nodes of a service", ("catalog", "nodes", "-service", "web")),
        Command("nodes of an unknown service", ("catalog", "nodes", "-service=nobody")),
        Command("nodes by meta", ("catalog", "nodes", "-node-meta", "rack=r1", "-node-meta", "os=linux")),
        Command("nodes by meta that nobody has", ("catalog", "nodes", "-node-meta=rack=r2")),
        Command("nodes by a filter", ("catalog", "nodes", "-filter", "Meta.rack == r1")),
        Command("nodes by a filter that finds none", ("catalog", "nodes", "-filter=Node == nobody")),
        Command("nodes of a service by a filter", ("catalog", "nodes", "-service=web", "-filter=ServicePort == 80")),
        Command("nodes by a filter that is none", ("catalog", "nodes", "-filter=Node = n1")),
        Command("nodes by a selector that is none", ("catalog", "nodes", "-filter=Service == web")),
        Command("nodes near one", ("catalog", "nodes", "-near", "_agent")),
        Command("services", ("catalog", "services")),
        Command("services with tags", ("catalog", "services", "-tags")),
        Command("services of a node", ("catalog", "services", "-node", "n1")),
        Command("services of a node with tags", ("catalog", "services", "-node", "n1", "-tags")),
        Command("services of a node by its id", ("catalog", "services", "-node=40e4a748-2192-161a-0510-9bf59fe950b5")),
        Command("services of an unknown node", ("catalog", "services", "-node=nobody")),
        Command("services by meta", ("catalog", "services", "-node-meta", "rack=r1")),
        Command("services by meta that nobody has", ("catalog", "services", "-node-meta=rack=r2")),
        Command("stale reads", ("catalog", "services", "-stale")),
        Command("an unknown datacenter", ("catalog", "nodes", "-datacenter", "elsewhere")),
        Command("catalog alone", ("catalog",), own_words=True),
        Command("too many arguments", ("catalog", "nodes", "extra")),
        Command("too many arguments for services", ("catalog", "services", "extra")),
        Command("too many arguments for datacenters", ("catalog", "datacenters", "extra")),
    ),
)
