"""From a path to a route."""

from __future__ import annotations

import pytest

from lictor_agent.http.encoding import Answer
from lictor_agent.http.requests import Request
from lictor_agent.http.router import Route, Router, answer_redirect
from lictor_agent.http.site import Site
from lictor_core.errors import MethodError


async def nothing(site: Site, request: Request) -> Answer:
    return Answer()


ROUTER = Router(
    (
        Route("/v1/kv/", {"GET": nothing, "PUT": nothing}),
        Route("/v1/agent/service/", {"GET": nothing}),
        Route("/v1/agent/service/register", {"PUT": nothing}),
    )
)


@pytest.mark.parametrize(
    ("path", "route", "tail"),
    [
        ("/v1/kv/", "/v1/kv/", ""),
        ("/v1/kv/a/b", "/v1/kv/", "a/b"),
        ("/v1/agent/service/register", "/v1/agent/service/register", ""),
        ("/v1/agent/service/register/x", "/v1/agent/service/", "register/x"),
        ("/v1/agent/service/web", "/v1/agent/service/", "web"),
    ],
)
def test_the_longest_route_wins(path: str, route: str, tail: str) -> None:
    found = ROUTER.find(path)
    assert found is not None
    assert (found[0].path, found[1]) == (route, tail)


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/", "/v1/nothing", "/V1/kv/a", "/v1/agent/services"])
def test_an_unknown_path_has_no_route(path: str) -> None:
    assert ROUTER.find(path) is None


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/v1/kv", "/v1/kv/"),
        ("/v1//kv/x", "/v1/kv/x"),
        ("/v1/catalog/../kv/x", "/v1/kv/x"),
        ("/v1/kv/a/..", "/v1/kv/"),
        ("/v1/kv/a/.", "/v1/kv/a"),
        ("/v1/kv/a//", "/v1/kv/a/"),
        ("//v1/kv/a", "/v1/kv/a"),
        ("/v1/kv/.hidden", None),
        ("/v1/kv/a", None),
        ("/", None),
    ],
)
def test_unclean_paths_are_sent_to_clean_ones(path: str, location: str | None) -> None:
    assert ROUTER.redirect(path) == location


def test_only_a_get_sees_the_page_of_a_redirect() -> None:
    answer = answer_redirect("/v1/kv/a<b", "x=1", "GET")
    assert answer.body == b'<a href="/v1/kv/a%3Cb?x=1">Moved Permanently</a>.\n\n'
    assert ("Location", "/v1/kv/a%3Cb?x=1") in answer.headers
    assert answer_redirect("/v1/kv/a", "", "PUT").body == b""


def test_another_method_is_an_error_that_names_the_allowed_ones() -> None:
    route = Route("/v1/kv/", {"GET": nothing, "PUT": nothing})
    with pytest.raises(MethodError) as caught:
        route.endpoint("POST")
    assert caught.value.allowed == ("OPTIONS", "GET", "PUT")
