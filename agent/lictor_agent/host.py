"""The machine an agent runs on: memory, processors, system, disk. Read from `/proc` and the system calls for it.

The members are those that Consul's `/v1/agent/host` has (of the library gopsutil); what cannot be read is named in
`Errors`, and the rest is told all the same.
"""

from __future__ import annotations

import os
import platform
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final

from lictor_core.clock import Clock
from lictor_core.records import JsonObject

__all__ = ["host_facts"]

_KIB: Final = 1024
_NS_PER_S: Final = 1_000_000_000
_MEMORY: Final = {
    "total": "MemTotal",
    "available": "MemAvailable",
    "free": "MemFree",
    "active": "Active",
    "inactive": "Inactive",
    "buffers": "Buffers",
    "cached": "Cached",
    "writeback": "Writeback",
    "dirty": "Dirty",
    "shared": "Shmem",
    "slab": "Slab",
    "sreclaimable": "SReclaimable",
    "sunreclaim": "SUnreclaim",
    "pagetables": "PageTables",
    "swapcached": "SwapCached",
    "commitlimit": "CommitLimit",
    "committedas": "Committed_AS",
    "swaptotal": "SwapTotal",
    "swapfree": "SwapFree",
    "mapped": "Mapped",
    "hugepagesize": "Hugepagesize",
}
"""Consul's member to the line of `/proc/meminfo`."""


def host_facts(clock: Clock, *, proc: Path = Path("/proc"), etc: Path = Path("/etc"), disk: str = "/") -> JsonObject:
    """Everything at once; it takes about a millisecond. `disk` is a path on the disk that is told of."""
    errors: list[str] = []

    def tried(read: Callable[[], object]) -> object:
        try:
            return read()
        except (OSError, ValueError, KeyError, IndexError) as error:
            errors.append(f"{type(error).__name__}: {error}")
            return None

    return {
        "Memory": tried(lambda: _memory(proc)),
        "CPU": tried(lambda: _processors(proc)),
        "Host": tried(lambda: _system(clock, proc, etc)),
        "Disk": tried(lambda: _disk(proc, disk)),
        "CollectionTime": int(clock.now() * _NS_PER_S),
        "Errors": errors or None,
    }


def _memory(proc: Path) -> JsonObject:
    lines = [line.split(":") for line in (proc / "meminfo").read_text().splitlines()]
    known = {name: int(value.split()[0]) * _KIB for name, value in lines}
    found: JsonObject = {member: known.get(name, 0) for member, name in _MEMORY.items()}
    cached = known["Cached"] + known.get("SReclaimable", 0)
    used = known["MemTotal"] - known["MemFree"] - known["Buffers"] - cached
    return {**found, "cached": cached, "used": used, "usedPercent": used / known["MemTotal"] * 100}


def _processors(proc: Path) -> list[JsonObject]:
    blocks = (proc / "cpuinfo").read_text().strip().split("\n\n")
    return [_processor(dict(_pair(line) for line in block.splitlines())) for block in blocks]


def _pair(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip(), value.strip()


def _processor(facts: dict[str, str]) -> JsonObject:
    return {
        "cpu": int(facts["processor"]),
        "vendorId": facts.get("vendor_id", ""),
        "family": facts.get("cpu family", ""),
        "model": facts.get("model", ""),
        "stepping": int(facts.get("stepping") or 0),
        "physicalId": facts.get("physical id", ""),
        "coreId": facts.get("core id", ""),
        "cores": 1,
        "modelName": facts.get("model name", ""),
        "mhz": float(facts.get("cpu MHz") or 0.0),
        "cacheSize": int((facts.get("cache size") or "0").split()[0]),
        "flags": facts.get("flags", "").split(),
        "microcode": facts.get("microcode", ""),
    }


def _system(clock: Clock, proc: Path, etc: Path) -> JsonObject:
    uptime_s = int(float((proc / "uptime").read_text().split()[0]))
    release = dict(line.split("=", 1) for line in _lines(etc / "os-release") if "=" in line)
    name = release.get("ID", "").strip('"')
    family = release.get("ID_LIKE", name).strip('"').split()
    id_file = proc / "sys/kernel/random/boot_id"
    return {
        "hostname": socket.gethostname(),
        "uptime": uptime_s,
        "bootTime": int(clock.now()) - uptime_s,
        "procs": sum(one.isdecimal() for one in os.listdir(proc)),
        "os": platform.system().lower(),
        "platform": name,
        "platformFamily": family[0] if family else "",
        "platformVersion": release.get("VERSION_ID", "").strip('"'),
        "kernelVersion": platform.release(),
        "kernelArch": platform.machine(),
        "virtualizationSystem": "",
        "virtualizationRole": "",
        "hostid": "".join(_lines(etc / "machine-id")) or "".join(_lines(id_file)),
    }


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []


def _disk(proc: Path, path: str) -> JsonObject:
    facts = os.statvfs(path)
    total, free = facts.f_blocks * facts.f_frsize, facts.f_bavail * facts.f_frsize
    used = total - facts.f_bfree * facts.f_frsize
    mounts = [line.split() for line in _lines(proc / "mounts")]
    return {
        "path": path,
        "fstype": next((one[2] for one in mounts if one[1] == path), ""),
        "total": total,
        "free": free,
        "used": used,
        "usedPercent": used / max(used + free, 1) * 100,
        "inodesTotal": facts.f_files,
        "inodesUsed": facts.f_files - facts.f_ffree,
        "inodesFree": facts.f_ffree,
        "inodesUsedPercent": (facts.f_files - facts.f_ffree) / max(facts.f_files, 1) * 100,
    }
