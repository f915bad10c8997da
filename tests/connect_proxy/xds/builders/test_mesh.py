"""Between datacenters, through a real Envoy."""

from pathlib import Path

from lictor_connect_proxy.snapshot import BindAddress, Endpoint, MeshGatewayServices, ProxySnapshot
from lictor_connect_proxy.xds.builders import build
from lictor_connect_proxy.xds.kinds import CLUSTER, LISTENER, SECRET
from lictor_core.records import ServiceKind
from tests.connect_proxy.authority import Authority
from tests.connect_proxy.build import TRUST_DOMAIN, rule
from tests.connect_proxy.live import (
    BANNER,
    Application,
    all_bytes,
    connected,
    public_port,
    public_snapshot,
    running,
    upstream_snapshot,
)
from tests.connect_proxy.xds.examples import EXAMPLES
from tests.connect_proxy.xds.live_envoy import envoy, live
from tests.support.ports import free_port


@live
async def test_connections_are_passed_on_by_the_name_that_they_ask_for(tmp_path: Path) -> None:
    authority, port = Authority(), free_port()
    async with Application().running() as application:
        db = public_snapshot(authority, application, rule("web", "allow"), default_allow=False)
        gateway = ProxySnapshot(
            service="gateway",
            kind=ServiceKind.MESH_GATEWAY,
            mesh=MeshGatewayServices(
                services={f"db.default.dc1.internal.{TRUST_DOMAIN}": (Endpoint("127.0.0.1", public_port(db), "db"),)}
            ),
            bind_addresses=(BindAddress(name="default", address="127.0.0.1", port=port),),
            knows_behind=True,
        )
        web = upstream_snapshot(authority, port)
        other = upstream_snapshot(authority, port, to="other")
        async with running(db), envoy(gateway, tmp_path), running(web), running(other):
            async with connected(web.upstreams[0].bind_port) as (reader, _):
                assert await reader.readline() == BANNER
            async with connected(other.upstreams[0].bind_port) as (reader, _):
                assert await all_bytes(reader) == b""


def test_a_mesh_gateway_holds_no_key() -> None:
    assert SECRET not in build(EXAMPLES["mesh"])


def test_each_address_has_its_listener_and_each_name_its_cluster() -> None:
    found = build(EXAMPLES["mesh"])
    assert list(found[LISTENER]) == ["default:127.0.0.1:8443", "wan:127.0.0.1:8444"]
    assert len(found[CLUSTER]) == 2
    assert f"*.dc2.internal.{TRUST_DOMAIN}" in str(found[LISTENER])
