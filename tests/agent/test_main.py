"""The agent as a process: start, listening, signals, exit codes, and nothing left behind."""

from __future__ import annotations

import http.client
import json
import shlex
import signal
import socket
import subprocess
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dns.message
import dns.query
import pytest

from tests.support.agents import program_of
from tests.support.ports import free_ports
from tests.support.processes import START_S_MAX, Program, running
from tests.support.upstream import upstream

END_S_MAX = 8.0
"""Far above what the end of a process takes, and below what might hold it up: other tests run at the same time."""

pytestmark = pytest.mark.slow


@dataclass
class Process:
    """A running agent."""

    program: Program
    ports: dict[str, int]

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, str]:
        """Status and body of an answer; 0 when there is none."""
        connection = http.client.HTTPConnection("127.0.0.1", self.ports["http"], timeout=30)
        try:
            connection.request(method, path, None if body is None else json.dumps(body))
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except OSError:
            return 0, ""
        finally:
            connection.close()

    def leads(self) -> bool:
        """Whether it knows a leader, which can only be itself."""
        status, body = self.ask("GET", "/v1/status/leader")
        return status == 200 and json.loads(body) == f"127.0.0.1:{self.ports['server']}"

    def end(self, number: signal.Signals) -> tuple[int, float]:
        """Exit code after a signal, and the seconds it took."""
        started = time.monotonic()
        self.program.process.send_signal(number)
        return self.program.process.wait(30), time.monotonic() - started


def _argv(ports: dict[str, int], *more: str) -> list[str | Path]:
    flags = [f"-{name}-port={port}" for name, port in ports.items()]
    return [program_of("lictor"), "agent", "-dev", "-node", "judge", *flags, *more]


@contextmanager
def _agent(directory: Path, arguments: Sequence[str] = (), ports: dict[str, int] | None = None) -> Generator[Process]:
    ports = ports or free_ports("http", "dns", "grpc", "server")
    with running("lictor", _argv(ports, *arguments), directory) as program:
        process = Process(program, ports)
        program.wait_until(process.leads, "it leads")
        yield process


def _is_gone(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True
    return stat.rpartition(")")[2].split()[0] in ("Z", "X")


def test_it_listens_everywhere_and_says_so(tmp_path: Path) -> None:
    with _agent(tmp_path) as process:
        for port in process.ports.values():
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        said = process.program.log()
        assert f"HTTP: http://127.0.0.1:{process.ports['http']}" in said
        assert f"DNS: 127.0.0.1:{process.ports['dns']} (UDP, TCP)" in said
        assert f"gRPC: 127.0.0.1:{process.ports['grpc']} (Envoy's configuration)" in said
        assert f"lictor members -http-addr=http://127.0.0.1:{process.ports['http']}" in said


def test_sigterm_ends_it_with_the_programs_of_its_checks(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    text = f"trap '' TERM; sleep 60 & echo $$ $! >{pids}; wait"
    with _agent(tmp_path, ["-enable-script-checks"]) as process:
        check = {"Name": "slow", "Args": ["/bin/sh", "-c", text], "Interval": "1s", "Timeout": "60s"}
        assert process.ask("PUT", "/v1/agent/check/register", check)[0] == 200
        process.program.wait_until(lambda: pids.exists() and pids.read_text().endswith("\n"), "the check runs")
        found = [int(pid) for pid in pids.read_text().split()]
        code, seconds = process.end(signal.SIGTERM)
        assert code == 1
        assert seconds < END_S_MAX
        assert [_is_gone(pid) for pid in found] == [True, True]


def test_sigusr1_shows_figures_and_ends_nothing(tmp_path: Path) -> None:
    with _agent(tmp_path) as process:
        for _ in range(2):
            process.program.process.send_signal(signal.SIGUSR1)
            process.program.wait_until(lambda: "'consul.raft.state.leader': Count: 1" in process.program.log(), "them")
        assert process.ask("GET", "/v1/status/leader")[0] == 200


def test_a_blocked_query_does_not_keep_it(tmp_path: Path) -> None:
    with _agent(tmp_path) as process:
        connection = http.client.HTTPConnection("127.0.0.1", process.ports["http"], timeout=30)
        connection.request("GET", "/v1/kv/nothing?index=99999&wait=60s")
        process.program.wait_until(lambda: process.ask("GET", "/v1/status/leader")[0] == 200, "it answers others")
        code, seconds = process.end(signal.SIGINT)
        connection.close()
        assert code == 1
        assert seconds < END_S_MAX


def test_leaving_on_purpose_is_a_success(tmp_path: Path) -> None:
    with _agent(tmp_path, ["-hcl", "leave_on_terminate = true"]) as process:
        assert process.end(signal.SIGTERM)[0] == 0
        assert "agent.member.left" in process.program.log()


def _holds_back(pid: int, number: signal.Signals) -> bool:
    """Whether the process has that signal wait."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    held = next(line.split()[1] for line in lines if line.startswith("SigBlk:"))
    return bool(int(held, 16) >> (number - 1) & 1)


def test_a_reload_that_is_asked_for_while_it_starts_is_made_once_it_runs(tmp_path: Path) -> None:
    ports = free_ports("http", "dns", "grpc", "server")
    with running("lictor", _argv(ports), tmp_path) as program:
        program.wait_until(lambda: _holds_back(program.process.pid, signal.SIGHUP), "it has a reload wait")
        program.process.send_signal(signal.SIGHUP)
        program.wait_until(lambda: "agent.configuration.reloaded" in program.log(), "it reloads")
        assert program.process.poll() is None
        assert not _holds_back(program.process.pid, signal.SIGHUP)


def test_a_reload_takes_over_what_files_define_now(tmp_path: Path) -> None:
    file = tmp_path / "web.json"
    file.write_text(json.dumps({"service": {"name": "one"}}))
    with _agent(tmp_path, ["-config-file", str(file)]) as process:
        assert process.ask("GET", "/v1/agent/service/one")[0] == 200
        file.write_text("{")
        process.program.process.send_signal(signal.SIGHUP)
        process.program.wait_until(lambda: "agent.reload.failed" in process.program.log(), "the failure is told")
        assert process.ask("GET", "/v1/agent/service/one")[0] == 200
        file.write_text(json.dumps({"service": {"name": "two"}}))
        process.program.process.send_signal(signal.SIGHUP)
        process.program.wait_until(lambda: process.ask("GET", "/v1/agent/service/two")[0] == 200, "two is there")
        assert process.ask("GET", "/v1/agent/service/one")[0] == 404


def test_settings_are_taken_over_while_connections_stay_open(tmp_path: Path) -> None:
    file = tmp_path / "agent.hcl"
    file.write_text('log_level = "err"')
    with upstream() as outside, _agent(tmp_path, ["-config-file", str(file)]) as process:
        before = process.ask("GET", "/v1/agent/self")[0]
        kept = http.client.HTTPConnection("127.0.0.1", process.ports["http"], timeout=30)
        kept.request("GET", "/v1/kv/nothing?index=99999&wait=60s")
        file.write_text(
            'log_level = "info"\nlimits { http_max_conns_per_client = 3 }\ndns_config { node_ttl = "7s" }\n'
            'node_meta { rack = "r1" }\ncheck_update_interval = "1m"\nservice { name = "web" }\ndomain = "other"\n'
            f'recursors = ["{outside.address}"]'
        )
        status, body = process.ask("PUT", "/v1/agent/reload")
        assert (before, status, json.loads(body)["NeedsRestart"]) == (200, 200, ["check_update_interval", "domain"])
        assert "agent.configuration.reloaded" in process.program.log()
        assert "keys=check_update_interval,domain" in process.program.log()
        shown = json.loads(process.ask("GET", "/v1/agent/self")[1])
        assert shown["DebugConfig"]["Logging"]["LogLevel"] == "INFO"
        assert shown["DebugConfig"]["NodeMeta"] == {"rack": "r1"}
        asked = dns.message.make_query("judge.node.consul", "A")
        answer = dns.query.udp(asked, "127.0.0.1", timeout=10, port=process.ports["dns"])
        assert [rows.ttl for rows in answer.answer] == [7]
        asked = dns.message.make_query("www.example.com", "A")
        answer = dns.query.udp(asked, "127.0.0.1", timeout=10, port=process.ports["dns"])
        assert [rows.to_text() for rows in answer.answer] == ["www.example.com. 300 IN A 203.0.113.80"]
        others = [socket.create_connection(("127.0.0.1", process.ports["http"]), timeout=5) for _ in range(3)]
        try:
            others[-1].sendall(b"GET /v1/status/leader HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b" 429 " in others[-1].recv(1000)  # the fourth connection of this client
        finally:
            for one in others:
                one.close()
        process.ask("PUT", "/v1/kv/nothing", 1)
        kept.sock.close()


def test_the_command_tells_what_is_wrong_with_a_configuration_and_nothing_changes(tmp_path: Path) -> None:
    file = tmp_path / "agent.hcl"
    file.write_text('service { name = "web" }')
    with _agent(tmp_path, ["-config-file", str(file)]) as process:
        arguments = [program_of("lictor"), "reload", f"-http-addr=127.0.0.1:{process.ports['http']}"]
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, "Configuration reload triggered\n", "")
        file.write_text('service { name = "db" }\nporst { http = "x" }\nretry_join = "a"')
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 1
        assert f"{file}:2: porst: unknown key; did you mean ports?" in done.stderr
        assert f"{file}:3: retry_join: must be a list of strings" in done.stderr
        assert [process.ask("GET", f"/v1/agent/service/{name}")[0] for name in ("web", "db")] == [200, 404]


def test_the_log_goes_to_a_file_too(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    with _agent(tmp_path, ["-log-file", f"{logs}/", "-log-json"]) as process:
        process.end(signal.SIGTERM)
        path = next(logs.iterdir())
        assert path.name.startswith("consul-")
        assert "agent.process.ending" in [json.loads(line)["event"] for line in path.read_text().splitlines()]


def test_a_pid_file_is_there_while_it_runs(tmp_path: Path) -> None:
    pid_file = tmp_path / "lictor.pid"
    with _agent(tmp_path, ["-pid-file", str(pid_file)]) as process:
        assert int(pid_file.read_text()) == process.program.pid
        process.end(signal.SIGTERM)
        assert not pid_file.exists()


@pytest.mark.parametrize("taken", ["http", "dns", "grpc", "server"])
def test_a_port_in_use_ends_it_at_once_naming_port_and_next_step(tmp_path: Path, taken: str) -> None:
    ports = free_ports("http", "dns", "grpc", "server")
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", ports[taken]))
        holder.listen()
        with running("lictor", _argv(ports), tmp_path) as program:
            assert program.process.wait(START_S_MAX) == 1
        said = program.log()
    assert f"127.0.0.1:{ports[taken]}" in said
    assert f"-{taken}-port" in said
    assert "Traceback" not in said


def test_an_address_of_another_machine_ends_it_at_once_naming_the_next_step(tmp_path: Path) -> None:
    argv = _argv(free_ports("http", "dns", "grpc", "server"), "-bind", "192.0.2.1")  # RFC 5737: nobody's
    with running("lictor", argv, tmp_path) as program:
        assert program.process.wait(START_S_MAX) == 1
    assert "this machine does not have that address; choose one of its own with -bind" in program.log()


@pytest.mark.parametrize("streams", [">/dev/full 2>&1", ">&- 2>&-"])
def test_it_runs_where_nothing_can_be_printed(tmp_path: Path, streams: str) -> None:
    ports = free_ports("http", "dns", "grpc", "server")
    line = f"exec {shlex.join(map(str, _argv(ports)))} {streams}"
    with running("lictor", ["sh", "-c", line], tmp_path) as program:
        process = Process(program, ports)
        program.wait_until(process.leads, "it leads")
        assert process.end(signal.SIGTERM)[0] == 1, "the code of an end without leaving"


def test_a_pid_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    argv = _argv(free_ports("http", "dns", "grpc", "server"), "-pid-file", str(tmp_path / "no" / "where"))
    with running("lictor", argv, tmp_path) as program:
        assert program.process.wait(START_S_MAX) == 1
    assert "check -pid-file" in program.log()


def test_logs_as_json_are_one_object_a_line(tmp_path: Path) -> None:
    with _agent(tmp_path, ["-log-json"]) as process:
        process.program.wait_until(lambda: "agent.lease.granted" in process.program.log(), "it is a member")
        process.end(signal.SIGTERM)
        lines = process.program.log().splitlines()
    events = [json.loads(line) for line in lines if line.startswith("{")]
    assert {"raft.leader.elected", "agent.lease.granted", "agent.process.ending"} <= {one["event"] for one in events}
