"""What stands between a request and its endpoint, and in which order."""

from __future__ import annotations

import pytest

from lictor_agent.http.access import Access
from lictor_agent.http.dispatch import Dispatch, Found
from lictor_agent.http.encoding import Answer
from lictor_agent.http.errors import Refusal
from lictor_agent.http.requests import Request
from lictor_agent.http.router import Route, Router
from lictor_agent.http.site import Site
from lictor_core.errors import MethodError


async def _endpoint(site: Site, request: Request) -> Answer:
    return Answer()


_ROUTES = (Route("/v1/kv/", {"GET": _endpoint, "PUT": _endpoint}), Route("/v1/leader", {"GET": _endpoint}))
_DISPATCH = Dispatch(Router(_ROUTES), Access(["/v1/kv/blocked"], ["10.0.0.0/8"]))
_HERE, _ELSEWHERE = "10.0.0.1", "192.0.2.1"
_BAD_QUERY = "a=%zz"


def _status(method: str, path: str, query: str = "", client: str = _HERE) -> int:
    """What it comes to; 0 for an endpoint."""
    try:
        found = _DISPATCH.find(method, path, query, client)
    except Refusal as refusal:
        return refusal.status
    except MethodError:
        return 405
    return found.status if isinstance(found, Answer) else 0


def test_an_endpoint_is_found_with_what_follows_its_path() -> None:
    found = _DISPATCH.find("GET", "/v1/kv/a/b", "raw&dc=x", _ELSEWHERE)
    assert isinstance(found, Found)
    assert (found.route_path, found.tail, found.parameters.get("dc")) == ("/v1/kv/", "a/b", "x")


@pytest.mark.parametrize(
    ("method", "path", "query", "client", "status"),
    [
        ("GET", "/v1/leader", "", _ELSEWHERE, 0),
        ("GET", "/v1/leader", _BAD_QUERY, _HERE, 500),
        ("PUT", "/v1/leader", "", _HERE, 405),
        ("PUT", "/v1/leader", "", _ELSEWHERE, 405),
        ("PUT", "/v1/leader", _BAD_QUERY, _HERE, 500),
        ("OPTIONS", "/v1/leader", _BAD_QUERY, _HERE, 500),
        ("OPTIONS", "/v1/leader", "", _ELSEWHERE, 200),
        ("OPTIONS", "/v1/kv/blocked", "", _HERE, 403),
        ("BREW", "/v1/kv/blocked", "", _HERE, 403),
        ("GET", "/v1/kv/blocked", _BAD_QUERY, _HERE, 500),
        ("PUT", "/v1/kv/a", "", _ELSEWHERE, 403),
        ("PUT", "/v1/kv/a", "", _HERE, 0),
        ("GET", "/v1/kv/a\x01", "", _HERE, 400),
        ("GET", "/v1//kv/blocked", "", _HERE, 301),
        ("GET", "/v1/none", _BAD_QUERY, _HERE, 404),
        ("OPTIONS", "/v1/none", "", _HERE, 404),
        ("GET", "/", "", _HERE, 200),
        ("OPTIONS", "*", "", _HERE, 200),
        ("GET", "*", "", _HERE, 404),
    ],
)
def test_what_stands_in_the_way_counts_in_consuls_order(
    method: str, path: str, query: str, client: str, status: int
) -> None:
    assert _status(method, path, query, client) == status


def test_paths_that_cannot_be_shown_are_taken_where_that_is_configured() -> None:
    dispatch = Dispatch(Router(_ROUTES), Access(), takes_unprintable=True)
    found = dispatch.find("GET", "/v1/kv/a\x01", "", _HERE)
    assert isinstance(found, Found)
    assert found.tail == "a\x01"
