"""A real, small file system for programs under test: a tmpfs in a mount namespace of its own, which needs no root.

`unshare --map-root-user --mount` gives a namespace in which anybody may mount (user_namespaces(7)). A process that does
nothing holds it; programs enter it by `prefix`. The rest of the machine sees an empty directory.
"""

from __future__ import annotations

import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.processes import running
from tests.support.requirements import lack

__all__ = ["SmallDisk", "small_disk"]

_HOLD_S = 300
_COMMAND_S_MAX = 10


@dataclass(frozen=True)
class SmallDisk:
    """A mounted tmpfs; its owner is the process `holder`."""

    path: Path
    holder: int

    @property
    def prefix(self) -> list[str]:
        """What to put before the words of a command so that it sees this disk."""
        return ["nsenter", f"--target={self.holder}", "--user", "--mount", "--preserve-credentials", "--"]

    def run(self, *words: str | Path) -> str:
        """The output of a command that sees this disk."""
        return subprocess.run(
            [*self.prefix, *words], check=True, capture_output=True, text=True, timeout=_COMMAND_S_MAX
        ).stdout

    def resize(self, kib: int) -> None:
        """Give this disk another size."""
        self.run("mount", "-o", f"remount,size={kib}k", self.path)

    def fill(self) -> None:
        """Take all the room that is left."""
        self.run("sh", "-c", 'cat /dev/zero >"$0" 2>/dev/null || true', self.path / "filler")


@contextmanager
def small_disk(path: Path, directory: Path, *, kib: int) -> Generator[SmallDisk]:
    """Mount a disk of `kib` KiB on `path`, an empty directory, while the block runs; logs go to `directory`.

    Ends the test where namespaces are not to be had: skipped, or failed under `LICTOR_REQUIRE_ALL`.
    """
    probe = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "true"],
        check=False,
        capture_output=True,
        text=True,
        timeout=_COMMAND_S_MAX,
    )
    if probe.returncode != 0:
        lack(f"a mount namespace: {probe.stderr.strip()}")
    mount = f'mount -t tmpfs -o size={kib}k lictor-test "$0" && exec sleep {_HOLD_S}'
    words = ["unshare", "--map-root-user", "--mount", "--propagation=private", "sh", "-c", mount, str(path)]
    with running(f"disk-{path.name}", words, directory, kill=True) as holder:
        disk = SmallDisk(path, holder.pid)
        holder.wait_until(lambda: _is_mounted(disk), "the disk was mounted")
        yield disk


def _is_mounted(disk: SmallDisk) -> bool:
    return f" {disk.path} tmpfs " in Path(f"/proc/{disk.holder}/mounts").read_text()
