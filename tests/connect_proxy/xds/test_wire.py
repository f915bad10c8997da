"""Requests and responses of delta discovery in protobuf's form."""

import pytest

from lictor_connect_proxy.xds.descriptors import encoded, shown
from lictor_connect_proxy.xds.kinds import CLUSTER
from lictor_connect_proxy.xds.resources import Encoder
from lictor_connect_proxy.xds.stream import DeltaRequest, DeltaResponse
from lictor_connect_proxy.xds.wire import REQUEST, RESPONSE, asked, response_message
from lictor_core.errors import RequestError


def test_a_first_request_says_who_asks_and_what_is_held() -> None:
    build = {"version": {"major_number": 1, "minor_number": 40}}
    data = encoded(
        REQUEST,
        {
            "node": {"id": "web-sidecar-proxy", "user_agent_build_version": build},
            "type_url": CLUSTER,
            "resource_names_subscribe": ["a"],
            "resource_names_unsubscribe": ["b"],
            "initial_resource_versions": {"a": "1"},
        },
    )
    found = asked(data)
    assert (found.proxy_id, found.version) == ("web-sidecar-proxy", "1.40.0")
    assert found.request == DeltaRequest(kind=CLUSTER, subscribe=("a",), unsubscribe=("b",), versions={"a": "1"})


def test_an_answer_is_told_from_a_rejection() -> None:
    taken = asked(encoded(REQUEST, {"type_url": CLUSTER, "response_nonce": "7"}))
    assert taken.request == DeltaRequest(kind=CLUSTER, nonce="7")
    assert (taken.proxy_id, taken.version) == ("", "")
    bad = asked(encoded(REQUEST, {"type_url": CLUSTER, "response_nonce": "7", "error_detail": {"message": "no"}}))
    assert bad.request == DeltaRequest(kind=CLUSTER, nonce="7", error="no")
    silent = asked(encoded(REQUEST, {"type_url": CLUSTER, "response_nonce": "7", "error_detail": {}}))
    assert silent.request.error == "no reason was given"


def test_garbage_is_refused() -> None:
    with pytest.raises(RequestError, match="no DeltaDiscoveryRequest"):
        asked(b"\xff\xff")


def test_a_response_holds_resources_with_versions_and_what_is_gone() -> None:
    state, _ = Encoder().encode({CLUSTER: {"db": {"name": "db", "connect_timeout": "5s"}}})
    held = state[CLUSTER]["db"]
    message = response_message(DeltaResponse(CLUSTER, "0000002a", (("db", held),), ("old",)))
    assert shown(RESPONSE, message.SerializeToString()) == {
        "type_url": CLUSTER,
        "nonce": "0000002a",
        "resources": [
            {
                "name": "db",
                "version": held.version,
                "resource": {"@type": CLUSTER, "name": "db", "connect_timeout": "5s"},
            }
        ],
        "removed_resources": ["old"],
    }
