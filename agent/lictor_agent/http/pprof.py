"""`/debug/pprof/*`: profiles of this process, where `enable_debug` is set. Source: Go's package `net/http/pprof`.

`go tool pprof http://127.0.0.1:8500/debug/pprof/profile?seconds=10` reads `profile` (processor time), `heap` (objects
by type), `goroutine` (tasks) and `threadcreate` (threads); `?debug=1` gives text. Profiles that only Go has (`block`,
`mutex`, `trace`) are refused by name. Where there are ACLs operators may ask; without `enable_debug` nobody may where
there are none, and the answer is Consul's: 401.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from typing import TYPE_CHECKING, Final

from lictor_agent.http.described import NOTHING, Kind, Parameter, described
from lictor_agent.http.encoding import Answer
from lictor_agent.http.errors import Refusal
from lictor_agent.http.requests import Request
from lictor_agent.http.router import Route
from lictor_agent.http.site import Site
from lictor_core.errors import OverloadedError

if TYPE_CHECKING:
    from lictor_agent.profiles.encoding import Profile

__all__ = ["PROFILE_S_MAX", "ROUTES"]

PROFILE_S_MAX: Final = 600
"""Seconds that one profile of the processor's time may take."""
_SECONDS_DEFAULT: Final = 30
_TEXT: Final = ("Content-Type", "text/plain; charset=utf-8")
_PROFILES: Final = ("profile", "heap", "allocs", "goroutine", "threadcreate", "cmdline", "symbol")
_OF_GO: Final = ("block", "mutex", "trace")
_SECONDS: Final = Parameter("seconds", "With `profile`: how long to look, 30 if not said, at most 600.", Kind.COUNT)
_DEBUG: Final = Parameter("debug", "Above 0: text for people.", Kind.COUNT)
_ALSO: Final = {401: "enable_debug is not set.", 404: "There is no such profile.", 501: "Only Go has such a profile."}
_busy = threading.Lock()
"""Held while the processor's time is looked at: two who look would see each other."""


@described(NOTHING, _SECONDS, _DEBUG, tail="profile", media=("application/octet-stream", "text/plain"), also=_ALSO)
async def profile(site: Site, request: Request) -> Answer:
    """A profile in the form of pprof, or the list of all."""
    if not (site.agent.configuration.enable_debug or site.agent.gate.is_on):
        raise Refusal("ACL support disabled", status=401)
    match request.tail:
        case "":
            return Answer(headers=(_TEXT,), body="".join(f"{name}\n" for name in _PROFILES).encode())
        case "cmdline":
            return Answer(headers=(_TEXT,), body="\0".join(sys.argv).encode(errors="replace"))
        case "symbol":
            return Answer(headers=(_TEXT,), body=b"num_symbols: 1\n")  # there are no addresses to look up
        case name if name in _OF_GO:
            raise Refusal(f"{name}: this program is not written in Go; take profile, heap or goroutine", status=501)
        case name if name in _PROFILES:
            return await _taken(site, request, name)
        case name:
            raise Refusal(f"Unknown profile {name[:64]!r}: there are {', '.join(_PROFILES)}", status=404)


async def _taken(site: Site, request: Request, name: str) -> Answer:
    # Imported here: most agents are never asked for one.
    from lictor_agent.profiles import encoding, taking

    match name:
        case "profile":
            found = await _processor(site, _seconds(request.parameters.get("seconds")))
        case "goroutine":
            found = taking.tasks(site.clock)
        case "threadcreate":
            found = taking.threads(site.clock)
        case _:
            found = await asyncio.to_thread(taking.heap, site.clock)
    if name != "profile" and request.parameters.get("debug") not in ("", "0"):
        return Answer(headers=(_TEXT,), body=taking.text_of(found, name).encode(errors="replace"))
    headers = (
        ("Content-Disposition", f'attachment; filename="{name}"'),
        ("Content-Type", "application/octet-stream"),
        ("X-Content-Type-Options", "nosniff"),
    )
    return Answer(headers=headers, body=await asyncio.to_thread(encoding.encode, found))


async def _processor(site: Site, seconds: float) -> Profile:
    from lictor_agent.profiles import taking

    if not _busy.acquire(blocking=False):
        raise OverloadedError("a profile of the processor's time is being taken: ask again when it is done")
    stop = threading.Event()
    looking = asyncio.ensure_future(asyncio.to_thread(taking.processor, site.clock, seconds, stop))
    looking.add_done_callback(lambda _: _busy.release())
    try:
        return await asyncio.shield(looking)
    finally:
        stop.set()  # who asked may be gone: then the thread ends with its next look


def _seconds(text: str) -> float:
    """How long to look; Go, too, takes 30 seconds for whatever is no number above 0."""
    seconds = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0
    if seconds > PROFILE_S_MAX:
        raise Refusal(f"seconds is {seconds}: a profile takes at most {PROFILE_S_MAX}")
    return seconds or _SECONDS_DEFAULT


ROUTES: Final = (Route("/debug/pprof/", {"GET": profile}),)
