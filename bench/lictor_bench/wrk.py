"""The load generator wrk: how it is called, and what it says."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

__all__ = ["program", "puts", "rate", "rate_told"]

_RATE: Final = re.compile(r"Requests/sec:\s+([0-9.]+)")
_FAILED: Final = re.compile(r"Non-2xx or 3xx responses:\s+(\d+)")
_ERRORS: Final = re.compile(r"Socket errors: (.*)")
_EXTRA_S_MAX: Final = 30
_PUTS: Final = """\
local count = 0
local value = string.rep("v", {value_bytes})
function request()
  count = count + 1
  return wrk.format("PUT", "/v1/kv/bench/" .. (count % {keys}), nil, value)
end
"""


def program() -> str | None:
    """Where it is; None when it is missing."""
    return shutil.which("wrk")


def puts(directory: Path, *, keys: int, value_bytes: int) -> Path:
    """A script, written into `directory`, that puts values of `value_bytes` at `keys` keys below `bench/`, in turns."""
    script = directory / "put.lua"
    script.write_text(_PUTS.format(keys=keys, value_bytes=value_bytes))
    return script


def rate(wrk: str, url: str, *, connections: int, seconds: int, script: Path | None = None) -> float:
    """Requests a second from one thread. Raises `RuntimeError` when any of them failed: that rate says nothing."""
    command = [
        wrk,
        "-t1",
        f"-c{connections}",
        f"-d{seconds}s",
        "--timeout",
        "20s",
        *(["-s", str(script)] if script else []),
        url,
    ]
    output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + _EXTRA_S_MAX).stdout
    return rate_told(output, url)


def rate_told(output: str, url: str) -> float:
    """The rate in what wrk printed about `url`. Raises `RuntimeError` as `rate` does."""
    failed = _FAILED.search(output)
    if failed is not None:
        raise RuntimeError(f"{failed[1]} requests to {url} failed; a rate of failures says nothing")
    errors = _ERRORS.search(output)
    if errors is not None:
        raise RuntimeError(f"connections to {url} failed ({errors[1]}); the rate says nothing")
    found = _RATE.search(output)
    if found is None:
        raise RuntimeError(f"wrk gave no rate for {url}: {output[-300:]}")
    return float(found[1])
