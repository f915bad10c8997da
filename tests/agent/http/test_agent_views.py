"""What the agent shows of services and checks."""

from __future__ import annotations

import msgspec
import pytest

from lictor_agent.http.agent_views import aggregated_status, content_hash, service_view
from tests.server.build import check, service


def test_a_hash_changes_with_what_was_registered() -> None:
    web = service("web", port=80)
    assert content_hash(web) == content_hash(service("web", port=80))
    assert content_hash(web) != content_hash(service("web", port=81))
    assert len(content_hash(web)) == 16


def test_what_is_empty_is_left_out_where_consul_leaves_it_out() -> None:
    view = service_view(service("web"))
    assert "Kind" not in view
    assert "TaggedAddresses" not in view
    assert "Proxy" not in view
    assert (view["Tags"], view["Meta"]) == ([], {})


def test_a_proxy_shows_what_it_fronts() -> None:
    view = service_view(service("web-proxy", proxy_for="web"), shows_hash=True)
    assert view["Kind"] == "connect-proxy"
    assert "ContentHash" in view
    assert '"DestinationServiceName":"web"' in msgspec.json.encode(view).decode()


@pytest.mark.parametrize(
    ("ids_and_statuses", "expected"),
    [
        ([], "passing"),
        ([("a", "passing"), ("b", "warning")], "warning"),
        ([("a", "critical"), ("b", "warning")], "critical"),
        ([("_service_maintenance:web", "critical"), ("b", "critical")], "maintenance"),
        ([("_node_maintenance", "critical")], "maintenance"),
    ],
)
def test_checks_come_to_the_worst(ids_and_statuses: list[tuple[str, str]], expected: str) -> None:
    assert aggregated_status([check(id, status=status) for id, status in ids_and_statuses]) == expected
