"""The body of a transaction: what is given, what is not, and what cannot be whatever the state."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from lictor_agent.http.errors import Refusal
from lictor_agent.http.requests import Parameters, Request
from lictor_agent.http.transaction_bodies import read_operations, why_not
from lictor_core.codec import to_json
from lictor_core.errors import BodyTooLargeError
from lictor_core.records import ServiceKind
from lictor_core.transactions import CheckOperation, KeyOperation, NodeOperation, Operation, ServiceOperation
from tests.support.recorder.json_types import Json


async def read(body: Json | bytes, bytes_max: int = 1000) -> list[Operation]:
    data = body if isinstance(body, bytes) else to_json(body)

    async def read_body(limit: int) -> bytes:
        if len(data) > limit:
            raise BodyTooLargeError
        return data

    def read_parts(_limit: int) -> AsyncIterator[bytes]:
        raise AssertionError("a transaction is read whole")

    request = Request("PUT", "/v1/txn", "", Parameters(""), {}, read_body, read_parts)
    return await read_operations(request, bytes_max=bytes_max, value_bytes_max=10)


async def refusal(body: Json | bytes) -> str:
    with pytest.raises(Refusal) as caught:
        await read(body)
    return f"{caught.value.status} {caught.value}"


async def test_each_kind_is_read_with_its_index() -> None:
    key, node, service, check = await read(
        [
            {"kv": {"verb": "cas", "key": "a", "value": "MQ==", "flags": 2**64 - 1, "index": 7, "session": "s"}},
            {"Node": {"Verb": "cas", "Node": {"Node": "n", "ModifyIndex": 8}}},
            {"Service": {"Verb": "cas", "Node": "n", "Service": {"Service": "web", "ModifyIndex": 9}}},
            {"Check": {"Verb": "cas", "Check": {"Node": "n", "Name": "c", "ModifyIndex": 10}}},
        ]
    )
    assert key == KeyOperation(verb="cas", key="a", value=b"1", flags=2**64 - 1, index=7, session="s")
    assert isinstance(node, NodeOperation)
    assert (node.node.node, node.node.modify_index) == ("n", 8)
    assert isinstance(service, ServiceOperation)
    assert (service.node, service.service.id, service.service.modify_index) == ("n", "web", 9)
    assert isinstance(check, CheckOperation)
    assert (check.check.check_id, check.check.status, check.check.modify_index) == ("c", "critical", 10)


async def test_what_belongs_to_a_proxy_is_kept() -> None:
    proxy: Json = {"Service": "p", "Kind": "connect-proxy", "Port": 1, "Proxy": {"DestinationServiceName": "web"}}
    (made,) = await read([{"Service": {"Verb": "set", "Node": "n", "Service": proxy}}])
    assert isinstance(made, ServiceOperation)
    assert made.service.kind is ServiceKind.CONNECT_PROXY
    assert made.service.proxy.destination_service_name == "web"
    assert why_not([made], "dc1") == []


async def test_what_names_nothing_is_left_out_and_does_not_count() -> None:
    operations = await read([{}, {"KV": None}, {"KV": {"Verb": "set"}}])
    assert [error.position for error in why_not(operations, "dc1")] == [0]


async def test_what_is_read_is_found_by_its_id_alone() -> None:
    service, check = await read(
        [
            {"Service": {"Verb": "get", "Node": "n", "Service": {"Service": "web"}}},
            {"Check": {"Verb": "get", "Check": {"Node": "n", "Name": "c"}}},
        ]
    )
    assert isinstance(service, ServiceOperation)
    assert isinstance(check, CheckOperation)
    assert (service.service.id, check.check.check_id) == ("", "")


_WRONG: list[tuple[Json | bytes, str]] = [
    (b"", "400 Failed to parse body: EOF"),
    ({}, "must be a list"),
    ([None], "operation 0 must be an object"),
    ([{}, 1], "operation 1 must be an object"),
    ([{"Foo": {}}], 'unknown field "Foo"'),
    ([{"KV": {"Nope": 1}}], 'unknown field "Nope"'),
    ([{"KV": {"Value": "!"}}], "[0].KV.Value: is no base64"),
    ([{"KV": {"Flags": 2**64}}], "must be a whole number from 0 to 2**64 - 1"),
    ([{"KV": {"Namespace": "team"}}], "Namespaces are a Consul Enterprise feature"),
    ([{"KV": {}, "Node": {}}], "operation 0 is of 2 kinds"),
    ([{} for _ in range(65)], "413 the transaction has 65 operations, at most 64 are taken"),
    ([{"KV": {"Key": "a", "Value": "MTIzNDU2Nzg5MDE="}}], "413 the value of key 'a' has 11 bytes"),
]


@pytest.mark.parametrize(("body", "words"), _WRONG)
async def test_a_wrong_body_is_refused_in_words(body: Json | bytes, words: str) -> None:
    assert words in await refusal(body)


async def test_a_body_that_is_too_long_is_refused_with_its_bound() -> None:
    with pytest.raises(BodyTooLargeError, match="at most 5 bytes"):
        await read(b"[   {}]", bytes_max=5)


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        ({"KV": {"Verb": "get-tree"}}, "Must provide key"),
        ({"KV": {"Verb": "delete-tree"}}, ""),
        ({"Node": {"Verb": "delete"}}, "Must provide node"),
        ({"Node": {"Verb": "get"}}, ""),
        ({"Node": {"Verb": "set", "Node": {"Node": "n", "ID": "x"}}}, "Bad node ID"),
        ({"Node": {"Verb": "set", "Node": {"Node": "n", "Datacenter": "dc2"}}}, "is of datacenter 'dc2'"),
        ({"Node": {"Verb": "set", "Node": {"Node": "n", "Datacenter": "DC1"}}}, ""),
        ({"Service": {"Verb": "set", "Node": "n", "Service": {}}}, "Must provide service name"),
        ({"Service": {"Verb": "delete", "Node": "n", "Service": {"ID": "x"}}}, "Must provide service name"),
        ({"Service": {"Verb": "delete", "Node": "n", "Service": {}}}, ""),
        ({"Service": {"Verb": "set", "Node": "n", "Service": {"Service": "p", "Kind": "connect-proxy"}}}, "Proxy"),
        ({"Check": {"Verb": "set", "Check": {"Node": "n"}}}, "Must provide check name"),
        ({"Check": {"Verb": "delete", "Check": {"Node": "n"}}}, ""),
    ],
)
async def test_what_cannot_be_whatever_the_state_is_told_by_operation(operation: Json, words: str) -> None:
    errors = why_not(await read([operation]), "dc1")
    assert [error.position for error in errors] == ([0] if words else [])
    assert all(words in error.text for error in errors)
