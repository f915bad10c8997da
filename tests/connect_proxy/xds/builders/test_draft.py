"""Resources while they are put together."""

from lictor_connect_proxy.xds.builders.draft import Draft, Seat, seat_of
from lictor_connect_proxy.xds.kinds import CLUSTER, ENDPOINTS
from tests.connect_proxy.build import TRUST_DOMAIN, service_id, snapshot


def test_what_comes_twice_stays_as_it_came_first() -> None:
    draft = Draft()
    draft.cluster({"name": "b", "first": True}, {"cluster_name": "b"})
    draft.cluster({"name": "b"})
    draft.cluster({"name": "a"})
    found = draft.resources()
    assert list(found[CLUSTER]) == ["a", "b"]
    assert found[CLUSTER]["b"] == {"name": "b", "first": True}
    assert found[ENDPOINTS] == {"b": {"cluster_name": "b"}}
    assert draft.has_cluster("a")
    assert not draft.has_cluster("c")


def test_kinds_without_resources_are_left_out() -> None:
    assert Draft().resources() == {}


def test_a_proxy_sits_where_its_certificate_says() -> None:
    seat = seat_of(snapshot(service="web"))
    assert seat is not None
    assert seat == Seat(TRUST_DOMAIN, "dc1", "web")
    assert seat.identity("db") == service_id("db")
    assert seat.identity("db", "dc2") == service_id("db", datacenter="dc2")
