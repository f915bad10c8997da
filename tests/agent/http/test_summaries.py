"""Services in brief. What Consul shows is in `tests/compat/scenarios/http/ui.py`."""

from __future__ import annotations

import msgspec

from lictor_agent.http.summaries import behind_gateway, summaries
from lictor_core.config_records import GatewayName, GatewayService
from lictor_core.dumps import BehindGateway
from lictor_core.records import Check, JsonObject, Service, ServiceHealth
from tests.server.build import check, node, service


def row(of: Service, *checks: Check, on: str = "n1") -> ServiceHealth:
    return ServiceHealth(node=node(on), service=of, checks=list(checks))


def shown(*rows: ServiceHealth) -> list[JsonObject]:
    return msgspec.json.decode(msgspec.json.encode(summaries(rows)), type=list[JsonObject])


def test_instances_of_one_service_are_one_row_whatever_the_case() -> None:
    (one,) = shown(row(service("Web", tags=["b"])), row(service("web", tags=["a", "b"]), on="n2"))
    assert (one["Name"], one["InstanceCount"], one["Nodes"], one["Tags"]) == ("Web", 2, ["n1", "n2"], ["a", "b"])


def test_every_check_of_every_instance_counts() -> None:
    of_node = check("n", status="warning")
    (one,) = shown(row(service(), of_node, check("a", status="critical")), row(service(id="w2"), of_node))
    assert [one[f"Checks{status}"] for status in ("Passing", "Warning", "Critical")] == [0, 2, 1]


def test_what_there_is_nothing_of_is_null_or_left_out() -> None:
    (one,) = shown(row(service()))
    assert (one["Tags"], one["ExternalSources"], one["GatewayConfig"]) == (None, None, {})
    assert not {"Kind", "ProxyFor"} & set(one)


def test_a_proxy_names_what_it_stands_for_and_sources_are_named_once() -> None:
    proxy = service("side", proxy_for="web")
    sourced = msgspec.structs.replace(service(), meta={"external-source": "nomad"})
    one, other = shown(row(sourced), row(proxy), row(proxy), row(msgspec.structs.replace(sourced, id="x")))
    assert (one["Kind"], one["ProxyFor"]) == ("connect-proxy", ["web"])
    assert other["ExternalSources"] == ["nomad"]


def behind(
    name: str, *rows: ServiceHealth, kind: str = "ingress-gateway", port: int = 80, **more: tuple[str, ...]
) -> BehindGateway:
    of = GatewayService(
        gateway=GatewayName(name="gw"),
        service=GatewayName(name=name),
        gateway_kind=kind,
        port=port,
        hosts=more.get("hosts", ()),
        create_index=1,
        modify_index=1,
    )
    return BehindGateway(service=of, instances=list(rows))


def test_an_ingress_names_where_it_takes_traffic_for_a_service() -> None:
    services = [
        behind("web", row(service()), port=80),
        behind("web", row(service()), port=81, hosts=("a.test", "b.test")),
    ]
    (one,) = behind_gateway(services, ".ingress.dc1.consul.")
    assert one.gateway_config == {"Addresses": ["web.ingress.dc1.consul.:80", "a.test:81", "b.test:81"]}
    assert one.instance_count == 1, "an instance counts once, however many listeners lead to it"


def test_what_is_behind_a_gateway_may_have_no_instances_and_no_address() -> None:
    (one,) = behind_gateway([behind("db", kind="terminating-gateway")], ".ingress.dc1.consul.")
    assert (one.name, one.nodes, one.instance_count, one.gateway_config) == ("db", None, 0, {})
