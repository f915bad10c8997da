"""Requests and answers as values."""

import os
from typing import TypeVar
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor.api.calls import agent, ca, catalog, dns, health, intentions, kv, status
from lictor.api.errors import AgentError
from lictor.api.messages import Answer, Call, Options, Request, Response
from lictor_core.errors import PeerError, RequestError

T = TypeVar("T")

TARGETS = [
    (status.leader(), "GET", "/v1/status/leader"),
    (agent.members(wan=True), "GET", "/v1/agent/members?wan=1"),
    (agent.join("a.example:8301"), "PUT", "/v1/agent/join/a.example:8301"),
    (agent.force_leave("a", prune=True), "PUT", "/v1/agent/force-leave/a?prune=1"),
    (agent.force_leave("a"), "PUT", "/v1/agent/force-leave/a"),
    (agent.register_service({"Name": "a"}), "PUT", "/v1/agent/service/register"),
    (agent.deregister_service("a/b c"), "PUT", "/v1/agent/service/deregister/a/b%20c"),
    (agent.maintain_service("a", True, "why?"), "PUT", "/v1/agent/service/maintenance/a?enable=true&reason=why%3F"),
    (catalog.service("a", Options(near="_agent"), tag="x"), "GET", "/v1/catalog/service/a?tag=x&near=_agent"),
    (catalog.nodes(Options(node_meta={"a": "b", "c": "d"})), "GET",
     "/v1/catalog/nodes?node-meta=a%3Ab&node-meta=c%3Ad"),
    (health.service("a", passing=True), "GET", "/v1/health/service/a?passing=1"),
    (health.state("any", Options(stale=True, datacenter="d")), "GET", "/v1/health/state/any?dc=d&stale="),
    (kv.get("a/b"), "GET", "/v1/kv/a/b"),
    (kv.get("?#%ä"), "GET", "/v1/kv/%3F%23%25%C3%A4"),
    (kv.keys("a", "/"), "GET", "/v1/kv/a?keys=&separator=%2F"),
    (kv.tree(""), "GET", "/v1/kv/?recurse="),
    (kv.put("a", b"x", flags=5, cas=0), "PUT", "/v1/kv/a?flags=5&cas=0"),
    (kv.delete("a", cas=7), "DELETE", "/v1/kv/a?cas=7"),
    (kv.delete_tree("a"), "DELETE", "/v1/kv/a?recurse="),
    (intentions.match("db"), "GET", "/v1/connect/intentions/match?by=destination&name=db"),
    (intentions.delete("x"), "DELETE", "/v1/connect/intentions/x"),
    (dns.virtual_addresses(Options(index=5)), "GET", "/v1/internal/service-virtual-ip?index=5"),
    (ca.configuration(), "GET", "/v1/connect/ca/configuration"),
    (health.node("n", Options(index=5, wait_s=90, consistent=True)), "GET",
     "/v1/health/node/n?index=5&wait=1m30s&consistent="),
]  # fmt: skip


def answered(call: Call[T], status: int, body: bytes, **headers: str) -> Answer[T]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return call.answer(Response(status=status, headers=named, body=body))


@pytest.mark.parametrize(("call", "method", "target"), TARGETS)
def test_a_call_is_sent_as_consul_expects_it(call: Call[object], method: str, target: str) -> None:
    assert (call.request.method, call.request.target()) == (method, target)


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=30))
def test_any_key_makes_a_plain_request_line(key: str) -> None:
    target = Request(method="GET", path=f"/v1/kv/{key}").target()
    assert target.isascii()
    assert not set(target) & set(" \r\n?#")


@given(st.binary(min_size=1, max_size=30))
def test_a_key_of_any_bytes_is_sent_as_these_bytes(key: bytes) -> None:
    text = os.fsdecode(key)
    asked = Request(method="GET", path=f"/v1/kv/{text}", parameters=(("name", text),)).target()
    path, _, query = asked.partition("?")
    assert unquote_to_bytes(path) == b"/v1/kv/" + key
    assert unquote_to_bytes(query.replace("+", " ")) == b"name=" + key


def test_null_in_the_place_of_a_list_is_an_empty_one() -> None:
    assert answered(health.service("a"), 200, b"null\n").value == []
    assert answered(intentions.match("db"), 200, b'{"db":null}').value == []
    assert answered(kv.keys("a"), 200, b"null").value == []


def test_an_answer_says_how_fresh_it_is() -> None:
    answer = answered(
        kv.keys(""), 200, b'["a"]', x_consul_index="7", x_consul_knownleader="false", x_consul_lastcontact="12"
    )
    assert answer == Answer(value=["a"], index=7, known_leader=False, last_contact_ms=12)
    assert answered(kv.keys(""), 200, b"[]", x_consul_index="x").index == 0


def test_what_is_not_there_is_none_or_empty() -> None:
    assert answered(kv.get("a"), 404, b"").value is None
    assert answered(kv.tree("a"), 404, b"").value == []
    assert answered(kv.keys("a"), 404, b"").value == []
    assert answered(catalog.node("a"), 200, b"null").value is None


def test_a_refusal_is_an_error_with_its_reason() -> None:
    with pytest.raises(AgentError) as caught:
        answered(status.leader(), 500, b"No cluster leader\n")
    assert (caught.value.status, caught.value.reason) == (500, "No cluster leader")
    assert str(caught.value) == "Unexpected response code: 500 (No cluster leader)"


@pytest.mark.parametrize("body", [b"", b"{", b"5", b'{"a": 1}', b"\xff"])
def test_an_answer_that_cannot_be_read_is_the_agents_fault(body: bytes) -> None:
    with pytest.raises(PeerError, match="cannot be read"):
        answered(catalog.datacenters(), 200, body)


def test_a_write_is_true_or_false_and_nothing_else() -> None:
    assert answered(kv.put("a", b""), 200, b"true").value is True
    assert answered(kv.put("a", b""), 200, b"false\n").value is False
    with pytest.raises(AgentError):
        answered(kv.put("a", b""), 200, b"maybe")


@pytest.mark.parametrize("key", ["", "/a"])
def test_a_key_that_cannot_be_is_refused_before_it_is_sent(key: str) -> None:
    with pytest.raises(RequestError):
        kv.put(key, b"")


def test_a_blocking_query_has_time_to_wait() -> None:
    assert catalog.nodes(Options(index=5, wait_s=160)).request.waits_s == 170
    assert catalog.nodes(Options(wait_s=160)).request.waits_s == 0
