"""The digest of what an agent and the catalog agree on: equal for equal content, and for nothing else."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from lictor_core.agreement import clipped_output, node_digest, plain_check, plain_service, same_node
from lictor_core.limits import CHECK_OUTPUT_BYTES_MAX
from tests.server.build import check, node, service

SERVICES = [service("web", tags=["a"]), service("db", port=81)]
CHECKS = [check("c", service_id="web"), check("n", status="passing")]
BASE = node_digest(node(), SERVICES, CHECKS)


def test_order_indexes_and_what_the_catalog_fills_in_do_not_count() -> None:
    there = msgspec.structs.replace(node(), meta={}, modify_index=9, datacenter="dc2")
    services = [msgspec.structs.replace(one, meta={}, create_index=3, modify_index=9) for one in reversed(SERVICES)]
    checks = [
        msgspec.structs.replace(one, service_name="x", service_tags=["y"], modify_index=1) for one in CHECKS[::-1]
    ]
    assert node_digest(there, services, checks) == BASE


def test_the_order_of_keys_does_not_count() -> None:
    digests = {
        node_digest(node(meta=meta), [msgspec.structs.replace(SERVICES[0], meta=meta)], [])
        for meta in ({"a": "1", "b": "2"}, {"b": "2", "a": "1"})
    }
    assert len(digests) == 1


def test_what_the_servers_keep_on_a_node_does_not_count() -> None:
    own = [check("serfHealth"), check("x", service_id="consul")]
    assert node_digest(node(), [*SERVICES, service("consul")], [*CHECKS, *own]) == BASE


def test_everything_else_counts() -> None:
    replace = msgspec.structs.replace
    others = [
        node_digest(None, SERVICES, CHECKS),
        *(node_digest(replace(node(), **{key: value}), SERVICES, CHECKS) for key, value in (("address", "192.0.2.9"),)),
        node_digest(node(meta={"k": "v"}), SERVICES, CHECKS),
        node_digest(node(), SERVICES[:1], CHECKS),
        node_digest(node(), SERVICES, CHECKS[:1]),
        node_digest(node(), [replace(SERVICES[0], tags=["b"]), SERVICES[1]], CHECKS),
        node_digest(node(), [replace(SERVICES[0], port=1), SERVICES[1]], CHECKS),
        node_digest(node(), SERVICES, [replace(CHECKS[0], output="o"), CHECKS[1]]),
        node_digest(node(), SERVICES, [replace(CHECKS[0], status="warning"), CHECKS[1]]),
        node_digest(node(), SERVICES, [replace(CHECKS[0], service_id="db"), CHECKS[1]]),
    ]
    assert len({BASE, *others}) == 1 + len(others)


@given(st.text(alphabet="a\u00e9\u20ac\U0001f600", max_size=6000))
def test_an_output_is_cut_where_the_catalog_cuts_it(output: str) -> None:
    cut = clipped_output(output)
    assert output.startswith(cut)
    assert len(cut.encode()) <= CHECK_OUTPUT_BYTES_MAX
    assert cut == output or len(cut.encode()) > CHECK_OUTPUT_BYTES_MAX - 4
    assert plain_check(check(output=output)).output == cut


def test_nodes_that_differ_in_indexes_alone_say_the_same() -> None:
    assert same_node(node(), msgspec.structs.replace(node(), create_index=7))
    assert not same_node(node(), node(address="192.0.2.7"))
    assert plain_service(SERVICES[0]) == SERVICES[0]
