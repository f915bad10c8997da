"""The body of a prepared query: what is given, and what is not."""

from __future__ import annotations

from typing import cast

import msgspec

from lictor_agent.http.query_bodies import read_query
from lictor_config.reading import Dialect, Reader
from lictor_core.records import JsonObject


def read(members: JsonObject) -> tuple[JsonObject, list[str]]:
    reader = Reader(members, dialect=Dialect.HTTP)
    query = read_query(reader)
    return cast(JsonObject, msgspec.to_builtins(query)), [str(problem) for problem in reader.problems]


def test_nothing_is_empty_and_lists_are_null() -> None:
    query, problems = read({})
    assert query["Service"] == {
        "Service": "",
        "Failover": {"NearestN": 0, "Datacenters": None},
        "OnlyPassing": False,
        "IgnoreCheckIDs": None,
        "Near": "",
        "Tags": None,
        "NodeMeta": None,
        "ServiceMeta": None,
        "Connect": False,
    }
    assert problems == []


def test_what_is_shown_can_be_sent_back() -> None:
    query, _ = read(
        {"Name": "q", "Service": {"Service": "web", "Tags": [], "NodeMeta": {"a": "b"}}, "DNS": {"TTL": "1s"}}
    )
    assert read({**query, "CreateIndex": 7, "ModifyIndex": 9}) == (query, [])


def test_each_unknown_key_and_wrong_type_is_noted_where_it_stands() -> None:
    _, problems = read(
        {
            "Foo": 1,
            "Name": 5,
            "Service": {"Meta": {}, "Tags": "a", "Failover": {"NearestN": "x"}},
            "Template": {"Kind": "x"},
            "DNS": {"TTL": 5},
        }
    )
    text = "\n".join(problems)
    for word in ("Foo", "Name", "Meta", "Failover", "Kind", "TTL"):
        assert word in text, text
