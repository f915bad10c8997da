"""What is watched, when an answer is news, and what a definition may say."""

from __future__ import annotations

import json

import pytest

from lictor_core.errors import PeerError, RequestError
from lictor_core.watching import (
    Fold,
    HttpHandler,
    News,
    ScriptHandler,
    WatchKind,
    parse_watch,
    read_definition,
)


def fold(**parameters: object) -> Fold:
    return Fold(parse_watch(parameters))


def at(index: int) -> dict[str, str]:
    return {"x-consul-index": str(index)}


PATHS: list[tuple[dict[str, object], str, tuple[tuple[str, str], ...]]] = [
    ({"type": "key", "key": "a/b"}, "/v1/kv/a/b", ()),
    ({"type": "keyprefix", "prefix": "a"}, "/v1/kv/a", (("recurse", ""),)),
    ({"type": "services"}, "/v1/catalog/services", ()),
    ({"type": "nodes", "stale": True}, "/v1/catalog/nodes", (("stale", ""),)),
    (
        {"type": "service", "service": "web", "tag": "a", "passingonly": True},
        "/v1/health/service/web",
        (("tag", "a"), ("passing", "")),
    ),
    ({"type": "service", "service": "web", "tag": ["a", "b"]}, "/v1/health/service/web", (("tag", "a"), ("tag", "b"))),
    ({"type": "checks"}, "/v1/health/state/any", ()),
    ({"type": "checks", "state": "critical"}, "/v1/health/state/critical", ()),
    ({"type": "checks", "service": "web", "datacenter": "dc2"}, "/v1/health/checks/web", (("dc", "dc2"),)),
    ({"type": "event", "name": "deploy"}, "/v1/event/list", (("name", "deploy"),)),
    ({"type": "connect_roots"}, "/v1/agent/connect/ca/roots", ()),
    ({"type": "connect_leaf", "service": "web"}, "/v1/agent/connect/ca/leaf/web", ()),
    ({"type": "agent_service", "service_id": "web-1"}, "/v1/agent/service/web-1", ()),
]


@pytest.mark.parametrize(("parameters", "path", "expected"), PATHS, ids=lambda one: str(one))
def test_each_type_asks_at_its_place(
    parameters: dict[str, object], path: str, expected: tuple[tuple[str, str], ...]
) -> None:
    watch = parse_watch(parameters)
    assert (watch.path, watch.parameters) == (path, expected)


def test_every_type_is_in_the_table_above() -> None:
    assert {parameters["type"] for parameters, _, _ in PATHS} == set(WatchKind)


def test_the_first_answer_is_news_and_later_ones_when_they_differ() -> None:
    watched = fold(type="services")
    assert watched.parameters("5m") == ()
    assert watched.take(200, at(7), b'{"web": []}') == News(7, b'{"web":[]}')
    assert watched.parameters("5m") == (("index", "7"), ("wait", "5m"))
    assert watched.take(200, at(7), b'{"web":[],"x":[]}') is None, "the same index is no change"
    assert watched.take(200, at(8), b'{"web":[]}') is None, "nor is the same value"
    assert watched.take(200, at(9), b'{"db":[]}') == News(9, b'{"db":[]}')


def test_an_index_that_goes_back_begins_anew_and_tells_nothing_twice() -> None:
    watched = fold(type="services")
    watched.take(200, at(9), b'{"web":[]}')
    assert watched.take(200, at(3), b'{"web":[]}') is None
    assert watched.parameters("5m") == ()
    assert watched.take(200, at(3), b'{"db":[]}') == News(3, b'{"db":[]}')


def test_after_an_error_it_is_asked_without_an_index_and_told_only_if_it_changed() -> None:
    watched = fold(type="services")
    watched.take(200, at(9), b'{"web":[]}')
    with pytest.raises(PeerError, match="500 for /v1/catalog/services: No cluster leader"):
        watched.take(500, {}, b"No cluster leader")
    watched.restart()
    assert watched.parameters("5m") == ()
    assert watched.take(200, at(9), b'{"web":[]}') is None


def test_a_key_is_itself_and_null_where_there_is_none() -> None:
    entry = {"LockIndex": 0, "Key": "a", "Flags": 0, "Value": "MQ==", "CreateIndex": 4, "ModifyIndex": 4}
    watched = fold(type="key", key="a")
    assert watched.take(404, at(3), b"") == News(3, b"null")
    news = watched.take(200, at(4), json.dumps([entry]).encode())
    assert news is not None
    assert json.loads(news.body) == {**entry, "Session": ""}
    assert watched.take(404, at(5), b"") == News(5, b"null"), "its end is news"


def test_handlers_get_checks_with_whole_definitions() -> None:
    check = {"Name": "c", "Definition": {"Interval": "10s"}}
    news = fold(type="checks").take(200, at(2), json.dumps([check]).encode())
    assert news is not None
    definition = json.loads(news.body)[0]["Definition"]
    assert (definition["Interval"], definition["Timeout"], definition["TLSSkipVerify"]) == ("10s", "0s", False)
    row = {"Service": {"ID": "w"}, "Checks": [check]}
    news = fold(type="service", service="w").take(200, at(2), json.dumps([row]).encode())
    assert news is not None
    assert json.loads(news.body)[0]["Checks"][0]["Definition"]["Timeout"] == "0s"


def test_events_are_told_once_each() -> None:
    watched = fold(type="event")
    first = watched.take(200, at(5), b'[{"ID":"a"},{"ID":"b"}]')
    assert first == News(5, b'[{"ID":"a"},{"ID":"b"}]')
    assert watched.take(200, at(6), b'[{"ID":"a"},{"ID":"b"},{"ID":"c"}]') == News(6, b'[{"ID":"c"}]')
    assert watched.take(200, at(7), b'[{"ID":"x"},{"ID":"y"}]') == News(7, b'[{"ID":"x"},{"ID":"y"}]')


def test_an_index_of_events_that_goes_back_is_as_good_as_any_and_no_news_by_itself() -> None:
    watched = fold(type="event")
    watched.take(200, at(900), b'[{"ID":"a"}]')
    assert watched.take(200, at(100), b'[{"ID":"a"},{"ID":"b"}]') == News(100, b'[{"ID":"b"}]')
    assert watched.parameters("5m") == (("index", "100"), ("wait", "5m"))
    watched.restart()
    assert watched.take(200, at(100), b'[{"ID":"a"},{"ID":"b"}]') is None
    assert watched.take(200, at(500), b'[{"ID":"b"}]') is None, "an old one went, and nothing came"


def test_what_one_agent_has_is_followed_by_its_hash() -> None:
    watched = fold(type="agent_service", service_id="web")
    assert watched.take(200, {"x-consul-contenthash": "h1"}, b'{"ID":"web"}') == News(0, b'{"ID":"web"}')
    assert watched.parameters("5m") == (("hash", "h1"), ("wait", "5m"))
    assert watched.take(200, {"x-consul-contenthash": "h1"}, b'{"ID":"web"}') is None
    assert watched.take(200, {"x-consul-contenthash": "h2"}, b'{"ID":"web","Port":1}') is not None


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'"x"'])
def test_what_cannot_be_read_is_no_news(body: bytes) -> None:
    with pytest.raises(PeerError, match="/v1/kv/a"):
        fold(type="key", key="a").take(200, at(2), body)
    with pytest.raises(PeerError, match="no index"):
        fold(type="key", key="a").take(200, {}, b"[]")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, "Watch type must be specified"),
        ({"type": "bogus"}, "Unsupported watch type: bogus"),
        ({"type": "key"}, "Must specify a single key to watch"),
        ({"type": "keyprefix"}, "Must specify a single prefix to watch"),
        ({"type": "service"}, "Must specify a single service to watch"),
        ({"type": "connect_leaf"}, "Must specify a service to watch"),
        ({"type": "agent_service"}, "Must specify a service_id to watch"),
        ({"type": "checks", "service": "a", "state": "b"}, "Cannot specify service and state"),
        ({"type": "nodes", "key": "a"}, r"Invalid parameters: \[key\]"),
        ({"type": "key", "key": 7}, "key must be a text"),
        ({"type": "service", "service": "w", "tag": [1]}, "tag must be a text or a list of texts"),
        ({"type": "service", "service": "w", "passingonly": "perhaps"}, "passingonly must be true or false"),
    ],
)
def test_what_cannot_be_watched_is_told(parameters: dict[str, object], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        parse_watch(parameters)


def test_a_definition_has_a_program_or_an_address() -> None:
    one = read_definition({"type": "nodes", "args": ["/bin/x", "-a"], "token": "secret"})
    assert one.handler == ScriptHandler(arguments=("/bin/x", "-a"))
    assert one.watch.token == "secret"
    assert "secret" not in repr(one)
    assert read_definition({"type": "nodes", "handler": "x | y"}).handler == ScriptHandler(line="x | y")
    http: dict[str, object] = {
        "path": "https://example.test/x",
        "method": "PUT",
        "timeout": "3s",
        "header": {"X-Key": ["a", "b"]},
        "tls_skip_verify": True,
    }
    handler = read_definition({"type": "nodes", "handler_type": "http", "http_handler_config": [http]}).handler
    assert handler == HttpHandler(
        url="https://example.test/x",
        method="PUT",
        headers=(("X-Key", "a"), ("X-Key", "b")),
        timeout_s=3.0,
        tls_skip_verify=True,
    )


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({}, "needs a handler"),
        ({"args": []}, "needs a handler"),
        ({"args": ["x"], "handler": "x"}, "only one of args and handler"),
        ({"handler_type": "carrier-pigeon", "args": ["x"]}, "handler_type 'carrier-pigeon' is unknown"),
        ({"handler_type": "http"}, "needs a path"),
        ({"handler_type": "http", "args": ["x"]}, "neither args nor handler"),
        ({"handler_type": "http", "http_handler_config": {"path": "x", "bogus": 1}}, r"Invalid parameters: \[bogus\]"),
        ({"handler_type": "http", "http_handler_config": "x"}, "must be a mapping"),
        ({"handler_type": "http", "http_handler_config": {"path": "x", "timeout": "soon"}}, "soon"),
        ({"args": ["x"], "bogus": 1}, r"Invalid parameters: \[bogus\]"),
    ],
)
def test_wrong_handlers_are_told(more: dict[str, object], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        read_definition({"type": "nodes", **more})
