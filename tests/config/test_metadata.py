"""Bounds of metadata, each reached."""

import pytest

from lictor_config.metadata import metadata_flaw
from lictor_core.records import ServiceKind

FLAWS: list[tuple[dict[str, str], str]] = [
    ({"": "1"}, "Key cannot be blank"),
    ({"a b": "1"}, "Key contains invalid characters"),
    ({"ä": "1"}, "Key contains invalid characters"),
    ({"a" * 129: "1"}, "Key is too long (limit: 128 characters)"),
    ({"a": "1" * 513}, "Value is too long (limit: 512 characters)"),
    ({"consul-x": "1"}, "Key prefix 'consul-' is reserved for internal use"),
    ({str(number): "" for number in range(65)}, "Node metadata cannot contain more than 64 key/value pairs"),
]


@pytest.mark.parametrize(("pairs", "flaw"), FLAWS)
def test_metadata_over_a_bound_is_refused(pairs: dict[str, str], flaw: str) -> None:
    found = metadata_flaw(pairs, allow_reserved=False)
    assert found is not None
    assert found.endswith(flaw)


def test_metadata_at_the_bounds_is_taken() -> None:
    pairs = {str(number).rjust(128, "0"): "v" * 512 for number in range(64)}
    assert metadata_flaw(pairs, allow_reserved=False) is None


def test_the_agent_may_use_its_own_keys() -> None:
    assert metadata_flaw({"consul-network-segment": ""}, allow_reserved=True) is None


def test_a_mesh_gateway_may_say_that_it_leads_into_its_datacenter() -> None:
    pairs = {"consul-wan-federation": "1"}
    assert metadata_flaw(pairs, allow_reserved=False, kind=ServiceKind.MESH_GATEWAY) is None
    assert metadata_flaw(pairs, allow_reserved=False, kind=ServiceKind.CONNECT_PROXY) is not None
    assert metadata_flaw({"consul-x": "1"}, allow_reserved=False, kind=ServiceKind.MESH_GATEWAY) is not None
