"""A namespace is refused where it would mean something, and overlooked elsewhere."""

from __future__ import annotations

import pytest

from lictor_agent.http.errors import Refusal
from lictor_agent.http.namespaces import refuse_namespace
from lictor_agent.http.requests import Parameters


@pytest.mark.parametrize("path", ["/v1/kv/a", "/v1/agent/services", "/v1/catalog/services", "/v1/session/list"])
def test_a_namespace_is_refused_where_it_would_mean_something(path: str) -> None:
    with pytest.raises(Refusal, match='query parameter: "ns"') as refused:
        refuse_namespace(path, Parameters("ns=team"), {})
    assert refused.value.status == 400
    with pytest.raises(Refusal, match="X-Consul-Namespace"):
        refuse_namespace(path, Parameters(""), {"X-Consul-Namespace": "team"})


@pytest.mark.parametrize("path", ["/v1/catalog/nodes", "/v1/status/leader", "/v1/agent/self", "/v1/coordinate/nodes"])
def test_a_namespace_is_overlooked_where_it_means_nothing(path: str) -> None:
    refuse_namespace(path, Parameters("ns=team"), {"X-Consul-Namespace": "team"})


def test_no_namespace_is_never_refused() -> None:
    refuse_namespace("/v1/kv/a", Parameters("ns="), {})
