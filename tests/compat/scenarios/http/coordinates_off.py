"""`/v1/coordinate` where coordinates are switched off."""

from tests.support.recorder.scenario import Scenario, Step

SCENARIO = Scenario(
    "coordinates-off",
    "An agent with `disable_coordinates`.",
    (
        Step("no nodes", "GET", "/v1/coordinate/nodes", exact_text=True),
        Step("no node", "GET", "/v1/coordinate/node/n1", exact_text=True),
        Step("no datacenters", "GET", "/v1/coordinate/datacenters", exact_text=True),
        Step("no reports", "PUT", "/v1/coordinate/update", {"Node": "n1"}, exact_text=True),
        Step("near changes nothing", "GET", "/v1/catalog/services?near=_agent"),
    ),
    config={"disable_coordinates": True},
)
