"""Changes of intentions that are done when the proxies judge by them. Consul has no such thing."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from lictor.api.messages import Call, Response, decoded
from lictor_core.durations import format_duration
from lictor_core.proxy_status import Enforcement

__all__ = ["enforced"]

T = TypeVar("T")


def enforced(call: Call[T], wait_s: float) -> Call[Enforcement]:
    """A change of intentions, written and then waited for: which proxies judge by it as soon as all do, or after
    `wait_s` seconds, and which do not.
    """
    asking = call.asking(("wait-enforced", format_duration(wait_s)))

    def read(response: Response) -> Enforcement:
        response.check()
        return decoded(response, Enforcement)

    return Call(request=replace(asking.request, waits_s=wait_s), read=read)
