"""What an agent and the catalog agree on, and a digest of it, so that agreement is seen without listing anything.

Pure. Both sides leave out what the servers keep on a node themselves (`serfHealth`, the service `consul`) and what the
catalog fills in: indexes, and a check's name and tags of its service.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from operator import attrgetter
from typing import Final

import msgspec

from lictor_core.limits import CHECK_OUTPUT_BYTES_MAX
from lictor_core.records import Check, Node, Service

__all__ = [
    "SERVERS_OWN_CHECK",
    "SERVERS_OWN_SERVICE",
    "clipped_output",
    "node_digest",
    "plain_check",
    "plain_service",
    "same_node",
]

SERVERS_OWN_SERVICE: Final = "consul"
SERVERS_OWN_CHECK: Final = "serfHealth"
_DIGEST_BYTES: Final = 16
_ENCODER: Final = msgspec.msgpack.Encoder(order="deterministic")
"""Two equal mappings have one encoding, in whichever order their keys were given."""


def clipped_output(output: str) -> str:
    """As much of a check's output as the catalog keeps."""
    # A character has at most four bytes: short ones need not be encoded to know that they fit.
    if len(output) * 4 <= CHECK_OUTPUT_BYTES_MAX or len(output.encode()) <= CHECK_OUTPUT_BYTES_MAX:
        return output
    return output.encode()[:CHECK_OUTPUT_BYTES_MAX].decode(errors="ignore")


def plain_service(service: Service) -> Service:
    """The instance without what the catalog may show in two ways: indexes, and empty for absent."""
    return msgspec.structs.replace(
        service,
        tagged_addresses=service.tagged_addresses or None,
        meta=service.meta or None,
        create_index=0,
        modify_index=0,
    )


def plain_check(check: Check) -> Check:
    """The check without indexes, and without name and tags of its service, which the catalog fills in."""
    return msgspec.structs.replace(
        check, output=clipped_output(check.output), service_name="", service_tags=[], create_index=0, modify_index=0
    )


def same_node(here: Node, there: Node) -> bool:
    """Whether two records of a node say the same."""
    return _plain_node(here) == _plain_node(there)


def node_digest(node: Node | None, services: Iterable[Service], checks: Iterable[Check]) -> str:
    """A hash of what the catalog has of a node, or of what an agent believes that it has. The order does not count."""
    content = (
        None if node is None else _plain_node(node),
        [plain_service(one) for one in sorted(services, key=attrgetter("id")) if one.id != SERVERS_OWN_SERVICE],
        [
            plain_check(one)
            for one in sorted(checks, key=attrgetter("check_id"))
            if one.check_id != SERVERS_OWN_CHECK and one.service_id != SERVERS_OWN_SERVICE
        ],
    )
    return hashlib.blake2b(_ENCODER.encode(content), digest_size=_DIGEST_BYTES).hexdigest()


def _plain_node(node: Node) -> tuple[str, str, dict[str, str], dict[str, str]]:
    return node.id, node.address, node.tagged_addresses or {}, node.meta or {}
