"""Known weaknesses of what `requirements.lock` names: `python -m tests.support.audit`.

pip-audit asks the package index about each name and version. It is installed for the moment from `audit.lock`, with
hashes, apart from what it judges. Where no index can be reached, that is said, and is no failure.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

__all__ = ["Verdict", "audit", "main", "verdict"]

ROOT: Final = Path(__file__).resolve().parents[2]
_INSTALL_S_MAX: Final = 300
_AUDIT_S_MAX: Final = 300


class _Weakness(msgspec.Struct):
    id: str
    fix_versions: list[str] = []
    aliases: list[str] = []


class _Dependency(msgspec.Struct):
    name: str
    version: str = ""
    vulns: list[_Weakness] = []
    skip_reason: str = ""


class _Report(msgspec.Struct):
    dependencies: list[_Dependency]


class Verdict(NamedTuple):
    """What was learnt: weaknesses as lines for people, and how many packages were and were not judged."""

    weaknesses: tuple[str, ...]
    judged: int
    unknown: int


def verdict(report: bytes) -> Verdict:
    """What a report of pip-audit, as JSON, says. Raises `ValueError` for anything else."""
    found = msgspec.json.decode(report, type=_Report).dependencies
    weak = tuple(
        f"{one.name} {one.version}: {', '.join((each.id, *each.aliases))}; "
        f"mended in {', '.join(each.fix_versions) or 'no version'}"
        for one in found
        for each in one.vulns
    )
    unknown = sum(bool(one.skip_reason) for one in found)
    return Verdict(weak, len(found) - unknown, unknown)


def audit() -> Verdict | str:
    """What pip-audit says, or why it could not be asked."""
    with tempfile.TemporaryDirectory(prefix="audit-") as directory:
        venv.create(directory, with_pip=True)
        python = str(Path(directory) / "bin" / "python")
        install = [python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(ROOT / "audit.lock")]
        ask = [python, "-m", "pip_audit", "-r", str(ROOT / "requirements.lock"), "--require-hashes", "--disable-pip"]
        try:
            installed = subprocess.run(install, capture_output=True, timeout=_INSTALL_S_MAX, check=False)
            if installed.returncode:
                return f"pip-audit cannot be installed: {installed.stderr.decode(errors='replace')[-300:].strip()}"
            done = subprocess.run(
                [*ask, "--no-deps", "--progress-spinner=off", "--format=json"],
                capture_output=True,
                timeout=_AUDIT_S_MAX,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            return f"no answer within {error.timeout:g} s"
    try:
        return verdict(done.stdout)
    except ValueError:
        return f"the index cannot be asked: {done.stderr.decode(errors='replace')[-300:].strip()}"


def main() -> int:
    """Say what was learnt. The exit code is 1 when a weakness is known."""
    found = audit()
    if isinstance(found, str):
        print(f"nothing was judged: {found}")
        return 0
    if not found.judged:
        print(f"nothing was judged: no index that can be reached knows any of {found.unknown} packages")
        return 0
    print(f"{found.judged} packages judged, {found.unknown} unknown to the index, {len(found.weaknesses)} weaknesses")
    for line in found.weaknesses:
        print(line)
    return int(bool(found.weaknesses))


if __name__ == "__main__":
    sys.exit(main())
