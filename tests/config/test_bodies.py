"""A definition written as a body of the HTTP API is read back the same."""

from hypothesis import given
from hypothesis import strategies as st

from lictor_config.bodies import service_body
from lictor_config.checks import CheckDefinition
from lictor_config.definitions import ServiceDefinition, parse_service
from lictor_core.records import Expose, MeshGateway, Proxy, ServiceAddress, ServiceKind, Upstream, Weights

NAMES = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=8)
SECONDS = st.integers(1, 10_000).map(float)
CHECKS = st.builds(
    CheckDefinition,
    check_id=NAMES,
    name=NAMES,
    notes=NAMES,
    http=NAMES,
    header=st.dictionaries(NAMES, st.lists(NAMES, min_size=1, max_size=2).map(tuple), max_size=2),
    interval_s=SECONDS,
    timeout_s=SECONDS,
    deregister_critical_service_after_s=SECONDS,
    success_before_passing=st.integers(0, 5),
    tls_skip_verify=st.booleans(),
) | st.builds(CheckDefinition, ttl_s=SECONDS, status=st.sampled_from(["", "passing", "critical"]))
UPSTREAMS = st.builds(
    Upstream,
    destination_type=st.just("service"),
    destination_name=NAMES,
    datacenter=st.just("") | NAMES,
    local_bind_port=st.integers(1, 65_535),
    config=st.none() | st.dictionaries(NAMES, st.integers(), min_size=1, max_size=2),
    mesh_gateway=st.builds(MeshGateway, mode=st.sampled_from(["", "local"])),
)
PROXIES = st.builds(
    Proxy,
    destination_service_name=NAMES,
    local_service_port=st.integers(0, 65_535),
    config=st.none() | st.dictionaries(NAMES, st.integers(), min_size=1, max_size=2),
    upstreams=st.lists(UPSTREAMS, max_size=1),
    mesh_gateway=st.just(MeshGateway()),
    expose=st.builds(Expose, checks=st.booleans()),
)
SERVICES = st.builds(
    ServiceDefinition,
    id=NAMES,
    name=NAMES,
    tags=st.lists(NAMES, max_size=3).map(tuple),
    address=st.just("") | NAMES,
    tagged_addresses=st.dictionaries(
        NAMES, st.builds(ServiceAddress, address=NAMES, port=st.integers(0, 9)), max_size=2
    ),
    meta=st.dictionaries(NAMES, NAMES, max_size=2),
    port=st.integers(0, 65_535),
    weights=st.builds(Weights, passing=st.integers(1, 9), warning=st.integers(0, 9)),
    enable_tag_override=st.booleans(),
    checks=st.lists(CHECKS, max_size=2).map(tuple),
    native=st.booleans(),
    sidecar=st.none() | st.builds(ServiceDefinition, port=st.integers(0, 9), proxy=PROXIES),
)


@given(SERVICES)
def test_a_body_is_read_back(service: ServiceDefinition) -> None:
    assert parse_service(service_body(service)) == service


@given(PROXIES)
def test_the_body_of_a_proxy_is_read_back(proxy: Proxy) -> None:
    service = ServiceDefinition(name="p", kind=ServiceKind.CONNECT_PROXY, port=1, proxy=proxy)
    assert parse_service(service_body(service)) == service


def test_what_is_empty_is_left_out() -> None:
    assert service_body(ServiceDefinition(name="a")) == {"Name": "a", "Weights": {"Passing": 1, "Warning": 1}}
