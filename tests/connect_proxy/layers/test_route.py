import msgspec
import pytest

from lictor_connect_proxy.layers.authorize import authorize
from lictor_connect_proxy.layers.route import ApplicationRoute, UpstreamRoute, route_in, route_out
from lictor_connect_proxy.layers.stages import Permitted, Refusal
from lictor_connect_proxy.snapshot import Leaf, UpstreamListener
from tests.connect_proxy.build import TRUST_DOMAIN, identified, service_id, snapshot

UPSTREAM = UpstreamListener(service="db", bind_port=9191, connect_timeout_s=2.5)


def test_a_permitted_connection_goes_to_the_application() -> None:
    now = snapshot()
    permit = authorize(identified("web"), now)
    assert isinstance(permit, Permitted)
    assert now.public is not None
    assert route_in(permit, now.public) == ApplicationRoute(permit, "127.0.0.1", 5432, 1.0)


def test_an_upstream_is_expected_in_our_own_datacenter() -> None:
    sni = f"db.default.dc1.internal.{TRUST_DOMAIN}"
    assert route_out(snapshot(service="web"), UPSTREAM) == UpstreamRoute(service_id("db"), sni, 2.5)


def test_an_upstream_of_another_datacenter_is_expected_there() -> None:
    route = route_out(snapshot(service="web"), msgspec.structs.replace(UPSTREAM, datacenter="dc2"))
    assert isinstance(route, UpstreamRoute)
    assert route.expected == service_id("db", datacenter="dc2")
    assert route.sni == f"db.default.dc2.internal.{TRUST_DOMAIN}"


@pytest.mark.parametrize("missing", ["leaf", "roots"])
def test_without_certificates_there_is_no_way_out(missing: str) -> None:
    lacking = msgspec.structs.replace(snapshot(), **{missing: None})
    assert isinstance(route_out(lacking, UPSTREAM), Refusal)


def test_a_leaf_that_names_no_service_is_no_way_out() -> None:
    leaf = Leaf(certificate_pem="", private_key_pem="", uri="https://example.org", serial="1", valid_before="")
    assert isinstance(route_out(msgspec.structs.replace(snapshot(), leaf=leaf), UPSTREAM), Refusal)
