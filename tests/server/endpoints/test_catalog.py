"""What is filled in and what is refused before a registration enters the log."""

from __future__ import annotations

import msgspec
import pytest

from lictor_core.commands import Deregister, NodeUpdate, Register
from lictor_core.errors import RequestError, UnknownDatacenterError
from lictor_core.limits import CHECK_OUTPUT_BYTES_MAX, META_PAIRS_MAX, NESTING_MAX
from lictor_core.records import Check, MeshGateway, Upstream
from lictor_server.endpoints.catalog import checked_deregistration, checked_registration, checked_update
from tests.server.build import check, node, register, service


def checked(command: Register) -> Register:
    return checked_registration(command, "dc1")


def only_check(one: Check) -> Check:
    return checked(register(checks=[one])).checks[0]


def test_blanks_of_a_check_are_filled() -> None:
    filled = only_check(msgspec.structs.replace(check("", status=""), name="alive"))
    assert (filled.node, filled.check_id, filled.name, filled.status) == ("n1", "alive", "alive", "critical")


def nested(levels: int) -> dict[str, object]:
    value: dict[str, object] = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


@pytest.mark.parametrize("place", ["proxy", "upstream"])
def test_a_configuration_that_a_server_could_fail_to_compare_is_refused(place: str) -> None:
    def proxied(levels: int) -> Register:
        one, config = service("web"), nested(levels)
        upstream = Upstream(
            destination_type="service",
            destination_name="db",
            datacenter="",
            local_bind_port=1,
            config=config,
            mesh_gateway=MeshGateway(),
        )
        fields = {"config": config} if place == "proxy" else {"upstreams": [upstream]}
        return register(service=msgspec.structs.replace(one, proxy=msgspec.structs.replace(one.proxy, **fields)))

    checked(proxied(NESTING_MAX))
    with pytest.raises(RequestError, match=r"Proxy\.Config of service 'web' nests more"):
        checked(proxied(NESTING_MAX + 1))


def test_service_without_an_id_has_its_name_for_one() -> None:
    unnamed = msgspec.structs.replace(service("web"), id="")
    made = checked(register(service=unnamed)).service
    assert made is not None
    assert made.id == "web"


def test_datacenter_is_filled_and_another_one_refused() -> None:
    assert checked(register(msgspec.structs.replace(node(), datacenter=""))).node.datacenter == "dc1"
    with pytest.raises(UnknownDatacenterError):
        checked(register(msgspec.structs.replace(node(), datacenter="dc2")))


def test_long_output_is_cut_between_characters() -> None:
    output = only_check(check(output="é" * CHECK_OUTPUT_BYTES_MAX)).output
    assert output == "é" * (CHECK_OUTPUT_BYTES_MAX // 2)


def test_address_may_be_missing_when_the_node_is_not_updated() -> None:
    command = Register(node=node(address=""), skip_node_update=True)
    assert checked(command).node.address == ""


@pytest.mark.parametrize(
    "meta",
    [
        {f"k{number}": "v" for number in range(META_PAIRS_MAX + 1)},
        {"": "v"},
        {"a b": "v"},
        {"k" * 129: "v"},
        {"k": "v" * 513},
    ],
    ids=["too many", "no key", "a space", "a long key", "a long value"],
)
def test_metadata_has_bounds(meta: dict[str, str]) -> None:
    with pytest.raises(RequestError, match="Meta of service 'web'"):
        checked(register(service=msgspec.structs.replace(service(), meta=meta)))


@pytest.mark.parametrize(
    "meta",
    [{f"k{number}": "v" for number in range(META_PAIRS_MAX + 1)}, {"k" * 129: "v"}, {"k": "v" * 513}],
    ids=["too many", "a long key", "a long value"],
)
def test_metadata_of_a_node_has_bounds(meta: dict[str, str]) -> None:
    with pytest.raises(RequestError, match="Meta of node 'n1'"):
        checked(register(node(meta=meta)))


def test_keys_of_a_nodes_metadata_have_any_characters() -> None:
    meta = {"": "v", "a b": "v", "example.com/rack": "r1"}
    assert checked(register(node(meta=meta))).node.meta == meta


def test_proxy_must_say_for_whom_and_where() -> None:
    with pytest.raises(RequestError, match="Port"):
        checked(register(service=service("p", proxy_for="web", port=0)))
    nobody = service("p", proxy_for="web")
    nobody = msgspec.structs.replace(nobody, proxy=msgspec.structs.replace(nobody.proxy, destination_service_name=""))
    with pytest.raises(RequestError, match="DestinationServiceName"):
        checked(register(service=nobody))


def test_deregistration_needs_a_node() -> None:
    with pytest.raises(RequestError):
        checked_deregistration(Deregister(node=""))
    assert checked_deregistration(Deregister(node="n1")) == Deregister(node="n1")


def test_an_update_of_a_node_is_checked_as_registrations_are() -> None:
    update = NodeUpdate(node=node(), services=[service("web", id="")], checks=[check("c", output="x" * 5000)])
    done = checked_update(update, "dc1")
    assert (done.checks[0].node, len(done.checks[0].output)) == ("n1", CHECK_OUTPUT_BYTES_MAX)
    for wrong in (
        NodeUpdate(node=node("")),
        NodeUpdate(node=node(), services=[service("proxy", proxy_for="web", port=0)]),
        NodeUpdate(node=msgspec.structs.replace(node(), address="")),
    ):
        with pytest.raises(RequestError):
            checked_update(wrong, "dc1")
