from lictor_connect_proxy.layers.authorize import Decisions, authorize
from lictor_connect_proxy.layers.route import ApplicationRoute, route_in
from lictor_connect_proxy.layers.stages import Permitted
from tests.connect_proxy.build import identified, snapshot


def test_a_permitted_connection_goes_to_the_application() -> None:
    now = snapshot()
    permit = authorize(identified("web"), now, Decisions())
    assert isinstance(permit, Permitted)
    assert now.public is not None
    assert route_in(permit, now.public) == ApplicationRoute(permit, "127.0.0.1", 5432, 1.0)
