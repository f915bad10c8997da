"""What the questions of DNS are asked about."""

from tests.support.recorder.json_types import Json
from tests.support.recorder.scenario import Step


def instance(node: str, address: str, service: dict[str, Json], status: str = "passing", **node_fields: Json) -> Step:
    """A node with one instance of a service and a check of that in `status`."""
    service_id = service.get("ID", service["Service"])
    body: dict[str, Json] = {
        "Node": node,
        "Address": address,
        **node_fields,
        "Service": service,
        "Check": {"CheckID": f"{node}:{service_id}", "Name": "alive", "Status": status, "ServiceID": service_id},
    }
    return Step(f"{service_id} at {node}", "PUT", "/v1/catalog/register", body)


def node(name: str, address: str, **fields: Json) -> Step:
    """A node alone."""
    return Step(f"node {name}", "PUT", "/v1/catalog/register", {"Node": name, "Address": address, **fields})
