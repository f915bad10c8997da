"""`/v1/status`."""

from tests.support.recorder.scenario import Scenario, Step

SCENARIO = Scenario(
    "status",
    "Who leads, and who takes part.",
    (
        Step("the leader is an address as a JSON string", "GET", "/v1/status/leader"),
        Step("the peers are a list of addresses", "GET", "/v1/status/peers"),
        Step("the leader of an unknown datacenter", "GET", "/v1/status/leader?dc=elsewhere"),
        Step("status takes no PUT", "PUT", "/v1/status/leader"),
        Step("peers take no POST", "POST", "/v1/status/peers"),
        Step("nothing is below status", "GET", "/v1/status/nobody"),
    ),
)
