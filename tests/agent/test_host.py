"""The machine an agent runs on."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from lictor_agent.host import host_facts
from lictor_core.clock import SystemClock
from lictor_core.codec import to_json
from lictor_core.records import JsonObject
from tests.support.clock import ManualClock
from tests.support.recorder.json_types import as_list, at, parse

MEMINFO = (
    "MemTotal: 1000 kB\nMemFree: 400 kB\nMemAvailable: 700 kB\nBuffers: 50 kB\nCached: 200 kB\nSReclaimable: 50 kB\n"
)
CPUINFO = (
    "processor\t: 0\nvendor_id\t: X\ncpu MHz\t\t: 1200.5\ncache size\t: 512 KB\nflags\t\t: a b\n"
    "\nprocessor\t: 1\nflags\t\t: a\n\n"
)


def planted(root: Path) -> JsonObject:
    proc, etc = root / "proc", root / "etc"
    for directory in (proc / "1", proc / "22", proc / "net", etc):
        directory.mkdir(parents=True)
    (proc / "meminfo").write_text(MEMINFO)
    (proc / "cpuinfo").write_text(CPUINFO)
    (proc / "uptime").write_text("100.25 3.5\n")
    (proc / "mounts").write_text("/dev/x / ext4 rw 0 0\n")
    (etc / "os-release").write_text('ID=debian\nVERSION_ID="12"\n')
    (etc / "machine-id").write_text("abc\n")
    return host_facts(ManualClock(now=1000.0), proc=proc, etc=etc)


def test_what_a_machine_says_of_itself_is_told_in_bytes_and_seconds(tmp_path: Path) -> None:
    facts = parse(to_json(planted(tmp_path)))
    memory = [at(facts, f"Memory.{name}") for name in ("total", "free", "available", "used", "cached")]
    assert memory == [1_024_000, 409_600, 716_800, 307_200, 256_000]
    assert at(facts, "Memory.usedPercent") == 30.0
    assert [at(facts, f"CPU.{number}.cpu") for number in (0, 1)] == [0, 1]
    assert (at(facts, "CPU.0.mhz"), at(facts, "CPU.0.cacheSize"), at(facts, "CPU.0.flags")) == (1200.5, 512, ["a", "b"])
    host = [
        at(facts, f"Host.{name}") for name in ("uptime", "bootTime", "procs", "platform", "platformVersion", "hostid")
    ]
    assert host == [100, 900, 2, "debian", "12", "abc"]
    assert at(facts, "Disk.fstype") == "ext4"
    assert (at(facts, "CollectionTime"), at(facts, "Errors")) == (1_000_000_000_000, None)


def test_what_cannot_be_read_is_named_and_the_rest_is_told(tmp_path: Path) -> None:
    facts = parse(to_json(host_facts(ManualClock(), proc=tmp_path, etc=tmp_path)))
    assert (at(facts, "Memory"), at(facts, "CPU")) == (None, None)
    assert len(as_list(at(facts, "Errors"))) == 3
    assert at(facts, "Disk.path") == "/"


def test_this_machine_can_be_read() -> None:
    facts = parse(to_json(host_facts(SystemClock())))
    assert at(facts, "Errors") is None
    assert at(facts, "Host.kernelVersion") == platform.release()
    count = os.cpu_count()
    assert count is not None
    assert at(facts, f"CPU.{count - 1}.cpu") is not None
