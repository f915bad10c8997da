"""DNS as the agent answers it, `/v1/internal/dns`, and the virtual addresses in it. Consul has no such thing."""

from __future__ import annotations

from lictor.api.messages import Call, Options, json_call, list_call
from lictor_core.explanations import DnsExplanation
from lictor_core.virtual_addresses import VirtualAddress

__all__ = ["explain", "virtual_addresses"]


def explain(name: str, type: str = "A", *, edns: int = 0, tcp: bool = False, subnet: str = "") -> Call[DnsExplanation]:
    """Why the agent answers a question as it does: asked over UDP by a client that takes 512 bytes, or with `edns` so
    many, or over TCP; `subnet` is for whom it asks."""
    return json_call(
        DnsExplanation,
        "/v1/internal/dns/explain",
        None,
        ("name", name),
        ("type", type),
        ("edns", str(edns) if edns else ""),
        ("tcp", "1" if tcp else ""),
        ("subnet", subnet),
    )


def virtual_addresses(options: Options | None = None) -> Call[list[VirtualAddress]]:
    """The services of the mesh that have a virtual address, by name."""
    return list_call(list[VirtualAddress], "/v1/internal/service-virtual-ip", options)
