"""`lictor debug` beside a real agent."""

from __future__ import annotations

import gzip
import json
import tarfile
from pathlib import Path

import pytest

from lictor.cli.commands import debug
from tests.client.conftest import Command
from tests.support.agents import dev_agent


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A collection need not last ten seconds here."""
    monkeypatch.setitem(debug._LEAST_S, "duration", 0.1)  # pyright: ignore[reportPrivateUsage]
    monkeypatch.setitem(debug._LEAST_S, "interval", 0.1)  # pyright: ignore[reportPrivateUsage]


@pytest.mark.slow
def test_an_archive_has_consuls_files(command: Command, tmp_path: Path) -> None:
    output = tmp_path / "found"
    printed = command("debug", "-duration=2s", "-interval=1s", f"-output={output}")
    assert printed.exit_code == 0, printed.stderr
    assert f"Saved debug archive: {output}.tar.gz" in printed.stdout
    assert not output.exists(), "nothing but the archive is left"
    with tarfile.open(f"{output}.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    assert {"agent.json", "host.json", "cluster.json", "index.json"} <= {one.name for one in output.iterdir()}
    looks = sorted(one for one in output.iterdir() if one.is_dir())
    assert len(looks) == 3
    assert all(json.loads((one / "metrics.json").read_text())["Gauges"] for one in looks)
    assert "http.request.answered" in (looks[0] / "consul.log").read_text()
    for look in looks:
        for name in ("heap.prof", "goroutine.prof"):
            assert _is_profile(look / name), f"{look.name}/{name}"
    assert [(one / "profile.prof").exists() for one in looks] == [True, True, False], "the last look takes no time"
    assert _is_profile(looks[0] / "profile.prof")
    assert json.loads((output / "agent.json").read_text())["Config"]["NodeName"]
    index = json.loads((output / "index.json").read_text())
    assert (index["Version"], index["Duration"], index["Targets"]) == (1, "2s", list(debug.TARGETS))


def _is_profile(file: Path) -> bool:
    return bool(gzip.decompress(file.read_bytes()))


def test_without_enable_debug_there_are_no_profiles_and_it_is_told(tmp_path: Path, command: Command) -> None:
    (tmp_path / "agent").mkdir()
    with dev_agent("lictor", tmp_path / "agent", {"enable_debug": False}) as agent:
        output = tmp_path / "found"
        flags = (f"-http-addr={agent.http_address}", "-duration=1s", "-interval=1s", f"-output={output}")
        printed = command("debug", *flags, "-archive=false", "-capture=pprof", "-capture=host")
    assert printed.exit_code == 0, printed.stderr
    assert "enable_debug" in printed.stderr
    assert json.loads((output / "index.json").read_text())["Targets"] == ["host"]
    assert not list(output.glob("*/*.prof"))


def test_a_part_can_be_collected_into_a_directory(command: Command, tmp_path: Path) -> None:
    output = tmp_path / "part"
    printed = command("debug", "-duration=1s", "-interval=1s", f"-output={output}", "-archive=false", "-capture=host")
    assert printed.exit_code == 0, printed.stderr
    assert {one.name for one in output.iterdir() if one.is_file()} == {"host.json", "index.json"}


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("-capture=bogus",), "target not found: bogus"),
        (("-duration=10ms",), "duration must be at least"),
        (("-interval=1s", "-duration=500ms"), "the interval must not be longer than the duration"),
        (("-duration=soon",), "-duration"),
    ],
)
def test_what_cannot_be_collected_is_told(command: Command, flags: tuple[str, ...], message: str) -> None:
    printed = command("debug", *flags)
    assert printed.exit_code == 1
    assert message in printed.stderr


def test_nothing_is_overwritten(command: Command, tmp_path: Path) -> None:
    printed = command("debug", f"-output={tmp_path}")
    assert printed.exit_code == 1
    assert "exists already" in printed.stderr


def test_where_nothing_can_be_written_it_is_told(command: Command) -> None:
    printed = command("debug", "-output=/proc/nowhere")
    assert printed.exit_code == 1
    assert "cannot write" in printed.stderr
