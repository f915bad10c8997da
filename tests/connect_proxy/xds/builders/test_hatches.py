"""What users write in Envoy's own words."""

import pytest

from lictor_connect_proxy.xds.builders.hatches import with_mesh_tls, with_source_check, written
from lictor_core.records import JsonObject

TLS: JsonObject = {"name": "tls"}
CHECK: JsonObject = {"name": "check"}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"@type": "x"}', "{}"])
def test_what_cannot_be_read_is_no_hatch(text: str) -> None:
    assert written(text) is None


def test_no_chain_goes_without_tls_and_check() -> None:
    listener: JsonObject = {
        "name": "by_hand",
        "filter_chains": [{"filters": [{"name": "own"}], "transport_socket": {"name": "raw"}}, {}],
        "default_filter_chain": {"filters": [{"name": "own"}]},
    }
    found = with_source_check(listener, TLS, [CHECK])
    assert found["filter_chains"] == [
        {"filters": [CHECK, {"name": "own"}], "transport_socket": TLS},
        {"filters": [CHECK], "transport_socket": TLS},
    ]
    assert "default_filter_chain" not in found


def test_a_cluster_keeps_the_name_and_the_tls_of_the_mesh() -> None:
    generated: JsonObject = {"name": "db", "transport_socket": TLS}
    hatch: JsonObject = {"name": "other", "transport_socket": {}, "transport_socket_matches": [{}], "type": "STATIC"}
    assert with_mesh_tls(hatch, "db", generated) == {"name": "db", "transport_socket": TLS, "type": "STATIC"}
