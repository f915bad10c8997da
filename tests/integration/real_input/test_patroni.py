"""Debian's Patroni keeps two PostgreSQL servers, and decides by its lock here which of them leads."""

import contextlib
import http.client
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.support.agents import DevAgent
from tests.support.api import call, listens
from tests.support.conditions import wait_until
from tests.support.ports import free_ports
from tests.support.processes import Program, running
from tests.support.recorder.json_types import as_list, at
from tests.support.requirements import lack

pytestmark = [pytest.mark.slow, pytest.mark.needs("patroni", "setpriv"), pytest.mark.timeout(240)]

BASE_S_MAX: Final = 60.0
"""For making a cluster, for copying it, and for a failover: the session of a dead leader lives up to 20 s."""
_CONFIG: Final = """
scope: race
name: {name}
consul: {{host: "{agent}", register_service: true}}
restapi: {{listen: "127.0.0.1:{rest}", connect_address: "127.0.0.1:{rest}"}}
bootstrap:
  dcs: {{ttl: 20, loop_wait: 1, retry_timeout: 3}}
  initdb: [{{encoding: UTF8}}, {{locale: C}}, no-sync, {{auth: trust}}]
  pg_hba: ["host all all 127.0.0.1/32 trust", "host replication all 127.0.0.1/32 trust", "local all all trust"]
postgresql:
  listen: "127.0.0.1:{postgres}"
  connect_address: "127.0.0.1:{postgres}"
  data_dir: {directory}/data
  bin_dir: {binaries}
  pgpass: {directory}/pgpass
  authentication: {{superuser: {{username: postgres}}, replication: {{username: postgres}}}}
  parameters: {{unix_socket_directories: "{directory}", fsync: "off", shared_buffers: 16MB, max_connections: 20}}
"""


@dataclass(frozen=True)
class Member:
    """One Patroni with its PostgreSQL."""

    name: str
    rest: int
    postgres: int
    directory: Path
    program: Program

    def leads(self) -> bool:
        """Whether Patroni says that this is the leader."""
        connection = http.client.HTTPConnection("127.0.0.1", self.rest, timeout=5)
        try:
            connection.request("GET", "/leader")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def sql(self, text: str) -> str:
        """What PostgreSQL answers; empty when it does not."""
        argv = [str(binaries() / "psql"), "-h", "127.0.0.1", "-p", str(self.postgres), "-U", "postgres", "-Atc", text]
        return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=20).stdout.strip()

    def crash(self) -> None:
        """End Patroni and PostgreSQL as a power failure would."""
        os.kill(self.program.pid, signal.SIGKILL)
        self.program.process.wait(10)
        end_postgres(self.directory)


def test_who_leads_is_decided_by_the_lock_and_changes_when_the_leader_dies(agent: DevAgent) -> None:
    with directory() as place, member("one", agent, place) as one:
        wait_until(one.leads, within_s=BASE_S_MAX, what="the first member leads")
        with member("two", agent, place) as two:
            wait_until(
                lambda: two.sql("select pg_is_in_recovery()") == "t", within_s=BASE_S_MAX, what="the second one follows"
            )
            assert not two.leads()
            wait_until(
                lambda: roles(agent) == {"one": "master", "two": "replica"}, within_s=20, what="both are registered"
            )
            assert one.sql("create table t (n int); insert into t values (7)")
            wait_until(lambda: two.sql("select n from t") == "7", within_s=20, what="the row is copied")
            one.crash()
            wait_until(two.leads, within_s=BASE_S_MAX, what="the second member leads")
            wait_until(
                lambda: two.sql("insert into t values (8); select count(*) from t") in ("INSERT 0 1\n2", "2"),
                within_s=20,
                what="the new leader takes writes",
            )
            wait_until(
                lambda: roles(agent).get("two") == "master", within_s=20, what="the registry names the new leader"
            )


def roles(agent: DevAgent) -> dict[str, str]:
    """The role of each member as its registration tells it."""
    rows = as_list(call(agent.http_address, "GET", "/v1/catalog/service/race"))
    found: dict[str, str] = {}
    for row in rows:
        tags = [tag for tag in as_list(at(row, "ServiceTags")) if tag in ("master", "replica")]
        found[str(at(row, "ServiceID")).rpartition("/")[2]] = str(tags[0]) if tags else ""
    return found


@contextlib.contextmanager
def directory() -> Generator[Path]:
    """A directory that the user `postgres` owns: PostgreSQL refuses to run as root, and to look into root's."""
    place = Path(tempfile.mkdtemp(prefix="lictor-patroni-"))
    place.chmod(0o755)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


@contextlib.contextmanager
def member(name: str, agent: DevAgent, place: Path) -> Generator[Member]:
    """A Patroni while the block runs."""
    own = place / name
    own.mkdir()
    ports = free_ports("rest", "postgres")
    config = own / "patroni.yml"
    config.write_text(
        _CONFIG.format(name=name, agent=agent.http_address, directory=own, binaries=binaries(), **ports),
        encoding="ascii",
    )
    if os.geteuid() == 0:
        shutil.chown(own, "postgres", "postgres")
    argv = [*as_postgres(), "patroni", str(config)]
    try:
        with running(f"patroni-{name}", argv, place, ready=lambda: listens(ports["rest"]), kill=True) as program:
            yield Member(name, ports["rest"], ports["postgres"], own, program)
    finally:
        end_postgres(own)


def end_postgres(directory: Path) -> None:
    """End the PostgreSQL of a member at once, if it runs: it has a session of its own."""
    argv = [*as_postgres(), str(binaries() / "pg_ctl"), "stop", "-m", "immediate", "-D", str(directory / "data")]
    subprocess.run(argv, capture_output=True, check=False, timeout=30)


def as_postgres() -> Sequence[str]:
    """What to put before a command that must not run as root."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"]


def binaries() -> Path:
    """Where Debian has the programs of its newest PostgreSQL."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[4]))
    if not found:
        lack("PostgreSQL is not installed below /usr/lib/postgresql")
    return found[-1].parent
