import msgspec
import pytest

from lictor_connect_proxy.snapshot import UpstreamListener
from tests.connect_proxy.build import service_id, snapshot


@pytest.mark.parametrize("missing", ["leaf", "roots", "policy", "default_allow"])
def test_a_snapshot_that_lacks_anything_cannot_judge(missing: str) -> None:
    assert snapshot().can_judge()
    assert not msgspec.structs.replace(snapshot(), **{missing: None}).can_judge()


def test_a_leaf_speaks_for_the_service_of_its_uri() -> None:
    leaf = snapshot(service="web").leaf
    assert leaf is not None
    assert leaf.identity() == service_id("web")


@pytest.mark.parametrize("uri", ["", "https://example.org", "spiffe://x.consul", "spiffe://x/agent/client/dc/a/id/b"])
def test_a_leaf_of_anything_else_speaks_for_nobody(uri: str) -> None:
    leaf = snapshot().leaf
    assert leaf is not None
    assert msgspec.structs.replace(leaf, uri=uri).identity() is None


def test_a_proxy_with_upstreams_alone_needs_no_policy_but_their_instances() -> None:
    upstream = UpstreamListener(service="db", bind_port=9191)
    lacking = msgspec.structs.replace(snapshot(), public=None, policy=None, upstreams=(upstream,))
    assert not lacking.is_complete()
    assert msgspec.structs.replace(lacking, endpoints={upstream.key: ()}).is_complete()


def test_a_proxy_with_a_public_listener_needs_a_policy() -> None:
    assert snapshot().is_complete()
    assert not snapshot(has_policy=False).is_complete()
