"""How far long work is: told on a terminal, and nowhere else."""

import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from lictor.cli.progress import metered, reading, render, watched, working
from tests.client.fake_agent import Reply, Seen, fake_agent
from tests.support.agents import environment_for_commands

LICTOR = str(Path(sys.executable).parent / "lictor")
KEYS = [{"key": f"k{number}", "flags": 0, "value": "QQ=="} for number in range(40)]


@pytest.mark.parametrize(
    ("done", "total", "elapsed_s", "counts_bytes", "line"),
    [
        (0, None, 3.2, True, "saving  3 s"),
        (1536, None, 2.0, True, "saving  1.5 KiB  768 B/s  2 s"),
        (0, 100, 1.0, True, "saving  0 B of 100 B, 0 %"),
        (25 * 2**20, 100 * 2**20, 5.0, True, "saving  25.0 MiB of 100.0 MiB, 25 %  5.0 MiB/s  15 s left"),
        (100, 100, 4.0, False, "saving  100 of 100, 100 %  25/s"),
        (10, 1000, 10.0, False, "saving  10 of 1000, 1 %  1/s  16 min 30 s left"),
        (3 * 2**40, 5000 * 2**40, 0.0, True, "saving  3.0 TiB of 5000.0 TiB, 0 %"),
        (200, 100, 1.0, False, "saving  200 of 100, 100 %  200/s"),
    ],
)
def test_a_line_says_how_much_how_fast_and_how_long(
    done: int, total: int | None, elapsed_s: float, counts_bytes: bool, line: str
) -> None:
    assert render("saving", done, total, elapsed_s, counts_bytes=counts_bytes) == line


def test_nothing_is_told_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    assert not watched()
    with working("saving") as meter:
        assert meter is None
    assert list(metered(range(3), 3, "importing")) == [0, 1, 2]
    file = io.BytesIO(b"x")
    with reading(file, 1, "reading") as read:
        assert read is file
    assert capsys.readouterr().err == ""


def test_a_terminal_that_takes_nothing_back_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")
    assert not watched()
    monkeypatch.setenv("TERM", "xterm")
    assert watched()


def on_a_terminal(*words: str, address: str, stdin: bytes = b"", **environment: str) -> tuple[str, bytes, int]:
    """What a command writes to stderr, a terminal, and to stdout, which is none; its exit code."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [LICTOR, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, **environment_for_commands(address), "TERM": "xterm", **environment},
    ) as process:
        os.close(theirs)
        output, _ = process.communicate(stdin, timeout=60)
    seen = b""
    try:
        while part := os.read(ours, 65_536):
            seen += part
    except OSError:  # how Linux tells that the other end is closed
        pass
    os.close(ours)
    return seen.decode(), output, process.returncode


def test_a_long_save_is_told_and_its_line_taken_away(tmp_path: Path) -> None:
    def late(_: Seen) -> Reply:
        return Reply(status=500, body=b"no", after_s=1.2)

    with fake_agent(late) as fake:
        seen, _, code = on_a_terminal("snapshot", "save", str(tmp_path / "a.snap"), address=fake.address)
    assert code == 1
    assert "\r\x1b[Ksaving  1 s" in seen
    told, _, error = seen.rpartition("\r\x1b[K")
    assert "Error" not in told
    assert error.startswith(("\x1b[1;31mError:", "Error:"))


@pytest.mark.parametrize("is_terminal", [True, False], ids=["dumb", "piped"])
def test_a_long_save_is_not_told_elsewhere(tmp_path: Path, is_terminal: bool) -> None:
    with fake_agent(lambda _: Reply(status=400, body=b"no", after_s=0.8)) as fake:
        words = ("snapshot", "save", str(tmp_path / "a.snap"))
        if is_terminal:
            seen, _, _ = on_a_terminal(*words, address=fake.address, TERM="dumb")
        else:
            done = subprocess.run(
                [LICTOR, *words], env={**os.environ, **environment_for_commands(fake.address)},
                capture_output=True, text=True, timeout=60, check=False,
            )  # fmt: skip
            seen = done.stderr
    assert "saving" not in seen


def test_an_import_counts_keys_and_a_sent_body_its_bytes(tmp_path: Path) -> None:
    with fake_agent(lambda _: Reply(body=b"true", after_s=0.03)) as fake:
        seen, output, code = on_a_terminal("kv", "import", "-", address=fake.address, stdin=json.dumps(KEYS).encode())
    assert (code, output.count(b"Imported: ")) == (0, len(KEYS))
    assert f" of {len(KEYS)}, " in seen
    assert seen.endswith("\r\x1b[K")


def test_bytes_are_sent_as_they_are_whoever_looks() -> None:
    from lictor.api.blocking import Client
    from lictor.api.calls import snapshot
    from lictor.api.settings import Settings, parse_address

    class Counted:
        total: int | None = None
        count = 0

        def add(self, count: int) -> None:
            self.count += count

    body, answer = os.urandom(300_001), os.urandom(200_000)
    with (
        fake_agent(lambda _: Reply(body=answer)) as fake,
        Client(Settings(endpoint=parse_address(fake.address))) as client,
    ):
        sent, received = Counted(), Counted()
        client.observe(sent)
        client.send(snapshot.restore(body))
        client.observe(received)
        assert client.send(snapshot.save()) == answer
        client.observe(None)
        client.send(snapshot.restore(body))
    assert [seen.body for seen in fake.seen] == [body, b"", body]
    assert [seen.headers.get("transfer-encoding") for seen in fake.seen] == [None, None, None]
    assert sent.count == len(body) + len(answer)
    assert (received.count, received.total) == (len(answer), len(answer))
