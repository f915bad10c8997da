"""Who ends what a run has started when the run cannot."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from lictor_jepsen import warden
from lictor_jepsen.warden import Warden
from tests.jepsen_like.living import is_there
from tests.support.conditions import wait_until

RUN = """
import subprocess, time
from lictor_jepsen.warden import Warden
warden = Warden()
started = subprocess.Popen(["sleep", "600"], start_new_session=True)
warden.started(started.pid)
print(started.pid, flush=True)
time.sleep(600)
"""


def _began(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]


def test_what_a_killed_run_had_started_ends() -> None:
    with subprocess.Popen([sys.executable, "-c", RUN], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        started = int(run.stdout.readline())
        assert is_there(started)
        run.kill()
    wait_until(lambda: not is_there(started), within_s=20, what="the end of what it had started")


def test_closing_ends_what_is_left_of_each_group() -> None:
    one = Warden()
    group = ["sh", "-c", "sleep 600 & echo $!"]  # its first process ends, and another of the group goes on
    with subprocess.Popen(group, stdout=subprocess.PIPE, text=True, start_new_session=True) as started:
        assert started.stdout is not None
        one.started(started.pid)
        left = int(started.stdout.readline())
    assert is_there(left)
    one.close()
    wait_until(lambda: not is_there(left), within_s=20, what="the end of the group")
    one.close()


def test_who_has_got_the_number_of_a_group_since_is_spared() -> None:
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as other:
        for told, spared in ((f"{other.pid} 1", True), (f"{other.pid} {_began(other.pid)}", False)):
            subprocess.run([sys.executable, "-I", warden.__file__], input=told, text=True, check=True, timeout=60)
            assert is_there(other.pid) == spared
