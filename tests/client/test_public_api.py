"""The public names and signatures of the package, compared with `public_api.txt`: whoever changes them means to.

`python -m tests.client.test_public_api` writes the file anew.
"""

import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import lictor
from lictor.api.areas import BY_NAME
from lictor.api.asynchronous import AsyncClient
from lictor.api.binding import Following, Once, Watchable
from lictor.api.blocking import Client
from lictor.api.blocking_lock import Lock
from lictor.api.locks import AsyncLock

_DESCRIBED = ((Watchable, " (watch)"), (Following, " (watches)"), (Once, ""))
FILE = Path(__file__).with_name("public_api.txt")


def test_names_and_signatures_are_as_they_were() -> None:
    assert "\n".join(public_api()) + "\n" == FILE.read_text()


def test_every_public_name_is_there() -> None:
    for name in lictor.__all__:
        assert getattr(lictor, name) is not None
    assert set(BY_NAME) <= set(lictor.__all__)


@pytest.mark.slow
def test_a_users_program_is_checked_without_our_settings(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(Path(__file__).with_name("user_code.py").read_text())
    (tmp_path / "mypy.ini").write_text("[mypy]\nstrict = true\ncache_dir = /dev/null\n")
    argv = [sys.executable, "-m", "mypy", "program.py"]
    checked = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert checked.returncode == 0, checked.stdout


def public_api() -> Iterator[str]:
    """A line for each name of the package, each method of its classes, and each call of an area."""
    for name in sorted(lictor.__all__):
        yield f"lictor.{name}"
    for kind in (Client, AsyncClient, Lock, AsyncLock):
        for name, found in sorted(inspect.getmembers(kind)):
            if name.startswith("_") and name != "__init__":
                continue
            if inspect.isfunction(found):
                yield f"{kind.__name__}.{name}{inspect.signature(found)}"
            elif isinstance(found, property):
                yield f"{kind.__name__}.{name}"
    for name, area in sorted(BY_NAME.items()):
        for call, found in sorted(vars(area).items()):
            how = next((how for described, how in _DESCRIBED if isinstance(found, described)), None)
            if how is not None:
                yield f"client.{name}.{call}{inspect.signature(found.make)}{how}"


if __name__ == "__main__":
    FILE.write_text("\n".join(public_api()) + "\n")
