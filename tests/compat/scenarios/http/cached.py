"""What the agent keeps: who asks first waits, who asks then does not, and what a wait and `Cache-Control` change."""

from tests.support.recorder.scenario import Scenario, Step

_WEB = b'{"Node": "ext", "Address": "192.0.2.7", "Service": {"Service": "web", "Port": 80}}'
_WHOLE = "what is kept is the whole list, of which any filter is answered"
_REVALIDATE = {"Cache-Control": "must-revalidate"}

SCENARIO = Scenario(
    "cached",
    "Answers that the agent keeps.",
    (
        Step("an instance", "PUT", "/v1/catalog/register", _WEB),
        Step("datacenters miss first", "GET", "/v1/catalog/datacenters?cached"),
        Step(
            "datacenters hit then", "GET", "/v1/catalog/datacenters?cached", headers={"Cache-Control": "max-age=3600"}
        ),
        Step("datacenters asked anew", "GET", "/v1/catalog/datacenters?cached", headers=_REVALIDATE),
        Step("datacenters of no age", "GET", "/v1/catalog/datacenters?cached", headers={"Cache-Control": "max-age=0"}),
        Step("services miss first", "GET", "/v1/catalog/services?cached"),
        Step("services hit then", "GET", "/v1/catalog/services?cached"),
        Step(
            "services are followed, so nothing is asked anew", "GET", "/v1/catalog/services?cached", headers=_REVALIDATE
        ),
        Step("instances miss first", "GET", "/v1/catalog/service/web?cached"),
        Step("instances hit then", "GET", "/v1/catalog/service/web?cached"),
        Step("mesh instances miss first", "GET", "/v1/catalog/connect/web?cached"),
        Step("mesh instances hit then", "GET", "/v1/catalog/connect/web?cached"),
        Step("health misses first", "GET", "/v1/health/service/web?cached"),
        Step("health of those that pass is in it", "GET", "/v1/health/service/web?cached&passing"),
        Step(
            "health by a filter misses first",
            "GET",
            "/v1/health/service/web?cached&filter=Service.Port%3D%3D80",
            differs={"headers.X-Cache": _WHOLE, "headers.Age": _WHOLE},
        ),
        Step("health by a filter hits then", "GET", "/v1/health/service/web?cached&filter=Service.Port%3D%3D80"),
        Step(
            "instances by a filter miss first",
            "GET",
            "/v1/catalog/service/web?cached&filter=ServicePort%3D%3D81",
            differs={"headers.X-Cache": _WHOLE, "headers.Age": _WHOLE},
        ),
        Step("mesh health misses first", "GET", "/v1/health/connect/web?cached"),
        Step("mesh health hits then", "GET", "/v1/health/connect/web?cached"),
        Step("checks of a node are not kept", "GET", "/v1/health/node/ext?cached"),
        Step("nodes are not kept", "GET", "/v1/catalog/nodes?cached"),
    ),
)
