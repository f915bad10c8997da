"""The addresses of the machine that the tests run on."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from lictor_config.interfaces import _default_name, machine_interfaces  # pyright: ignore[reportPrivateUsage]


def test_loopback_is_there_with_its_network_and_flags() -> None:
    (loopback,) = [one for one in machine_interfaces() if str(one.address.ip) == "127.0.0.1"]
    assert str(loopback.address) == "127.0.0.1/8"
    assert loopback.flags == ("up", "loopback")
    assert not loopback.is_default


@pytest.mark.skipif(shutil.which("ip", path="/usr/sbin:/sbin:/usr/bin:/bin") is None, reason="iproute2 is not here")
def test_it_is_what_the_machines_own_tool_shows() -> None:
    program = shutil.which("ip", path="/usr/sbin:/sbin:/usr/bin:/bin")
    assert program is not None
    done = subprocess.run([program, "-json", "addr"], capture_output=True, text=True, check=True, timeout=30)
    shown = {
        (link["ifname"], f"{one['local']}/{one['prefixlen']}")
        for link in json.loads(done.stdout)
        for one in link["addr_info"]
    }
    assert {(one.name, str(one.address)) for one in machine_interfaces()} == shown


def test_the_default_route_is_the_one_to_everywhere(tmp_path: Path) -> None:
    table = tmp_path / "route"
    table.write_text(
        "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
        "eth1\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0\n"
        "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
    )
    assert _default_name(table) == "eth0"
    assert _default_name(tmp_path / "none") == ""
