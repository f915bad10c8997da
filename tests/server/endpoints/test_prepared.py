"""What a prepared query must be before it may enter the log."""

from __future__ import annotations

import msgspec
import pytest

from lictor_core.errors import RequestError
from lictor_core.prepared import PreparedQuery, QueryDNS, QueryFailover
from lictor_server.endpoints.prepared import checked_query
from tests.server.build import prepared_query, template

ID = "AAAAAAAA-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
GOOD = prepared_query("q", id=ID)


def with_service(**fields: object) -> PreparedQuery:
    return msgspec.structs.replace(GOOD, service=msgspec.structs.replace(GOOD.service, **fields))


def test_a_sound_query_gets_its_id_in_small_letters_and_no_index() -> None:
    checked = checked_query(msgspec.structs.replace(GOOD, create_index=7, modify_index=8))
    assert (checked.id, checked.create_index, checked.modify_index) == (ID.lower(), 0, 0)
    assert checked_query(prepared_query("", id=ID, session="x")).session == "x"
    assert checked_query(template("", id=ID)).is_template


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        (prepared_query("q", id="x"), "is 'x', which is no UUID"),
        (prepared_query("", id=ID), "Must be bound to a session, or have a Name"),
        (with_service(service=""), "Must provide a Service name"),
        (with_service(failover=QueryFailover(nearest_n=-1, datacenters=None)), "Bad NearestN '-1'"),
        (with_service(node_meta={"a b": "1"}), "Invalid prepared query: Meta of .* has the key 'a b'"),
        (msgspec.structs.replace(GOOD, dns=QueryDNS(ttl="soon")), "Bad DNS TTL 'soon'"),
        (msgspec.structs.replace(GOOD, dns=QueryDNS(ttl="-1s")), "DNS TTL '-1s', must be >=0"),
        (template("t", id=ID, service="${nope}"), "failed compiling template: 'nope'"),
        (template("t", id=ID, regexp="("), "failed compiling template: Bad Regexp"),
    ],
)
def test_what_is_wrong_is_named(query: PreparedQuery, reason: str) -> None:
    with pytest.raises(RequestError, match=reason):
        checked_query(query)
