"""A former version of the product, to upgrade from: out of a wheel, or out of a commit of the checkout.

The wheel is unpacked beside this installation, and what it needs comes from here: a former version that needs a library
that is here no more, or in another version, does not start. Nothing is downloaded.
"""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Final

__all__ = ["FormerError", "newest_former", "unpacked", "wheel_of"]

_BUILD_S_MAX: Final = 120.0
_CHECKOUT: Final = Path(__file__).resolve().parents[2]
_LAUNCHER: Final = """#!{python}
import sys

sys.path.insert(0, {site!r})
from lictor.cli import main

if __name__ == "__main__":
    sys.exit(main())
"""


class FormerError(Exception):
    """A former version cannot be had; the message says why."""


def newest_former() -> str:
    """The newest release that the checkout has before its own commit, by its tag.

    Raises `FormerError` where there is no checkout with its history, or no release in it: what two versions promise
    each other, they promise from release to release.
    """
    if not (_CHECKOUT / ".git").exists():
        raise FormerError("there is no checkout with its history here: say --from-wheel FILE")
    tags = _git("tag", "--list", "v*", "--merged", "HEAD", "--sort=-version:refname").split()
    if not tags:
        raise FormerError("there is no release yet: say --from-wheel FILE, or --from-commit REVISION of the checkout")
    return tags[0]


def wheel_of(revision: str, folder: Path) -> Path:
    """Build the wheel of a revision of the checkout. Raises `FormerError`."""
    commit = _git("rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}").strip()
    place = folder / commit[:12]
    if not (built := list(place.glob("*.whl"))):
        with tempfile.TemporaryDirectory() as source:
            _archive(commit, Path(source))
            _run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(place.resolve())], Path(source))
        built = list(place.glob("*.whl"))
    if len(built) != 1:
        raise FormerError(f"building {revision} left no wheel in {place}")
    return built[0]


def unpacked(wheel: Path, folder: Path) -> tuple[str, ...]:
    """The command that starts what is in a wheel. Raises `FormerError`."""
    try:
        data = wheel.read_bytes()
        place = (folder / hashlib.sha256(data).hexdigest()[:12]).resolve()
        launcher = place / "lictor"
        if not launcher.exists():
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                if "lictor/cli/__init__.py" not in archive.namelist():
                    raise FormerError(f"{wheel} is no wheel of lictor")
                archive.extractall(place / "site")
            launcher.write_text(_LAUNCHER.format(python=sys.executable, site=str(place / "site")))
    except (OSError, zipfile.BadZipFile) as error:
        raise FormerError(f"{wheel} cannot be read: {error}") from error
    return (sys.executable, str(launcher))


def _archive(commit: str, folder: Path) -> None:
    command = ["git", "-C", str(_CHECKOUT), "archive", commit]
    made = subprocess.run(command, capture_output=True, timeout=_BUILD_S_MAX, check=False)
    if made.returncode:
        raise FormerError(f"`{' '.join(command)}` failed: {made.stderr.decode(errors='replace').strip()}")
    with tarfile.open(fileobj=io.BytesIO(made.stdout)) as files:
        files.extractall(folder, filter="data")


def _git(*words: str) -> str:
    return _run(["git", "-C", str(_CHECKOUT), *words], Path.cwd())


def _run(command: list[str], folder: Path) -> str:
    try:
        ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_BUILD_S_MAX, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FormerError(f"`{' '.join(command)}` failed: {error}") from error
    if ended.returncode:
        raise FormerError(f"`{' '.join(command)}` failed: {ended.stderr.strip() or ended.stdout.strip()}")
    return ended.stdout
