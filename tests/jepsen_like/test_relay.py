"""The relay of bad links, between two networks with a real kernel between them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from lictor_jepsen import relay
from lictor_jepsen.relay import Relay, lacks_relay

INSIDE = Path(__file__).parent / "inside" / "bad_links.py"
needs_tun = pytest.mark.skipif(
    bool(lacks_relay()) and "LICTOR_REQUIRE_ALL" not in os.environ, reason="there is no /dev/net/tun here"
)


class Told(msgspec.Struct):
    """What `bad_links.py` measured, in milliseconds of a round trip and megabytes a second."""

    direct_ms: float
    late_ms: float
    one_way_ms: float
    mended_ms: float
    arrived_of_lossy: int
    arrived_of_doubled: int
    narrow_s: float
    mbyte_s: float
    clients_ms: float


@needs_tun
@pytest.mark.slow
@pytest.mark.needs("unshare", "nsenter", "ip", "mount")
@pytest.mark.needs_root
def test_links_are_as_bad_as_they_are_made_and_good_again() -> None:
    ended = subprocess.run([sys.executable, INSIDE], capture_output=True, text=True, timeout=90, check=False)
    assert ended.returncode == 0, ended.stderr
    told = msgspec.json.decode(ended.stdout, type=Told)
    assert told.late_ms >= 160, "80 ms each way"
    assert 80 <= told.one_way_ms < told.late_ms, "one direction alone"
    assert told.direct_ms < 80
    assert told.mended_ms < 80
    assert 200 < told.arrived_of_lossy < 400, "of 600, half are lost"
    assert told.arrived_of_doubled > 600, "of 600, some come twice"
    assert told.narrow_s >= 2, "64 kbit in a second"
    assert told.mbyte_s > 0.5
    assert told.clients_ms < 80, "the harness itself reaches all as ever"


async def test_a_relay_that_is_not_open_can_be_closed() -> None:
    closed = Relay()
    closed.close()
    assert not closed.is_open


def test_without_a_device_it_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "_TUN", Path("/nowhere/tun"))
    assert lacks_relay() == "links cannot be made bad: /nowhere/tun cannot be opened here"
