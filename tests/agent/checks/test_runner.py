"""When checks run, and what becomes of their results."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from lictor_agent.checks import runner as runner_module
from lictor_agent.checks.asking import Asker
from lictor_agent.checks.runner import CheckRunner
from lictor_agent.checks.status import Result
from lictor_agent.local import LocalState
from lictor_agent.registrar import Registrar, ScriptPolicy
from lictor_agent.settings import AgentSettings
from lictor_config.definitions import CheckDefinition, parse_check, parse_service
from lictor_core.clock import SeededRng, SystemClock
from lictor_core.errors import RequestError
from lictor_core.records import CRITICAL, PASSING, WARNING
from lictor_core.registry import Registry
from tests.agent.builders import NODE
from tests.agent.harness import quiet_log, running_server
from tests.support.conditions import eventually
from tests.support.ports import free_port

_PART_OF_TTL_S = 0.6
"""Three of these are more than the TTL of 1.5 s; one leaves a slow machine 0.9 s."""


class Bench:
    """A runner over a local state of its own."""

    def __init__(self, registry: Registry, settings: AgentSettings, asker: Asker | None) -> None:
        self.local = LocalState()
        log, self.logged = quiet_log()
        clock = SystemClock()
        self.runner = CheckRunner(self.local, registry, NODE, settings, clock, SeededRng(1), log, asker)
        policy = ScriptPolicy(from_files=True, from_api=True)
        self.registrar = Registrar(self.local, NODE, policy, range(21_000, 21_010), clock)

    def register(self, **body: object) -> None:
        self.registrar.register_check(parse_check(body))

    def status(self, check_id: str) -> str:
        return self.local.checks[check_id].check.status

    def output(self, check_id: str) -> str:
        return self.local.checks[check_id].check.output

    async def until(self, check_id: str, status: str, within_s: float = 5.0) -> None:
        await eventually(lambda: self.status(check_id) == status, within_s=within_s, what=f"{check_id} is {status}")


@asynccontextmanager
async def _bench(settings: AgentSettings | None = None, asker: Asker | None = None) -> AsyncGenerator[Bench]:
    async with running_server() as (server, _, _), asyncio.TaskGroup() as group:
        bench = Bench(server, settings or AgentSettings(), asker)
        task = group.create_task(bench.runner.run())
        await asyncio.sleep(0)
        try:
            yield bench
        finally:
            task.cancel()


async def test_a_ttl_check_expires_unless_somebody_speaks_up() -> None:
    async with _bench() as bench:
        bench.register(Name="beat", TTL="300ms")
        bench.runner.update_ttl("beat", PASSING, "alive")
        assert (bench.status("beat"), bench.output("beat")) == (PASSING, "alive")
        await bench.until("beat", CRITICAL)
        assert bench.output("beat") == "TTL expired (last output before timeout follows): alive"


async def test_what_starts_after_its_check_is_found_long_before_the_interval_is_over() -> None:
    port = free_port()
    async with _bench() as bench:
        bench.register(Name="late", TCP=f"127.0.0.1:{port}", Interval="60s")
        await eventually(lambda: "refused" in bench.output("late"), what="a first run that fails")
        listening = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", port)
        async with listening:
            await bench.until("late", PASSING, within_s=10.0)


async def test_speaking_up_gives_a_ttl_check_its_whole_time_again() -> None:
    async with _bench() as bench:
        bench.register(Name="beat", TTL="1500ms")
        for _ in range(3):
            bench.runner.update_ttl("beat", PASSING, "alive")
            await asyncio.sleep(_PART_OF_TTL_S)
            assert bench.status("beat") == PASSING
        await bench.until("beat", CRITICAL)


async def test_registering_a_ttl_check_again_gives_it_its_whole_time_again() -> None:
    async with _bench() as bench:
        bench.register(Name="beat", TTL="1500ms", Status="passing")
        for _ in range(3):
            await asyncio.sleep(_PART_OF_TTL_S)
            bench.register(Name="beat", TTL="1500ms", Status="passing")
            bench.runner.rearm(["beat", "nobody"])
            assert bench.status("beat") == PASSING


async def test_a_talkative_ttl_check_does_not_fill_the_memory() -> None:
    async with _bench() as bench:
        bench.register(Name="beat", TTL="60m")
        for number in range(2_000):
            bench.runner.update_ttl("beat", PASSING, str(number))
        assert bench.runner.dues_kept < 500


async def test_only_ttl_checks_are_told_their_state() -> None:
    async with _bench() as bench:
        bench.register(Name="tcp", TCP="127.0.0.1:1", Interval="60s")
        for check_id in ("tcp", "nobody"):
            with pytest.raises(RequestError, match=f'CheckID "{check_id}" does not have associated TTL'):
                bench.runner.update_ttl(check_id, PASSING, "")
        bench.register(Name="beat", TTL="60s")
        with pytest.raises(RequestError, match="Invalid check status: 'fine'"):
            bench.runner.update_ttl("beat", "fine", "")


async def test_a_long_note_is_cut_at_the_bound_of_its_check() -> None:
    async with _bench() as bench:
        bench.register(Name="beat", TTL="60s", OutputMaxSize=10)
        bench.runner.update_ttl("beat", PASSING, "abcdefghijklmnop")
        assert bench.output("beat") == "abcdefghij ... (captured 10 of 16 bytes)"


async def test_a_check_runs_within_its_interval_and_again_after_it(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    async with _bench() as bench:
        bench.register(Name="script", Args=["/bin/sh", "-c", f"echo run >>{runs}"], Interval="10ms")
        await bench.until("script", PASSING, within_s=30.0)
        started = asyncio.get_running_loop().time()
        first = len(runs.read_text().splitlines())
        await eventually(lambda: len(runs.read_text().splitlines()) > first, what="it runs again")
        # Ten milliseconds are less than the shortest interval, which is a second.
        assert asyncio.get_running_loop().time() - started > 0.7


async def test_a_check_that_is_deregistered_stops_and_its_program_dies(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    async with _bench() as bench:
        bench.register(Name="script", Args=["/bin/sh", "-c", f"echo $$ >{pid}; sleep 60"], Interval="1s")
        await eventually(lambda: pid.exists() and pid.read_text() != "", what="it runs")
        bench.local.remove_check("script")
        await eventually(lambda: not Path(f"/proc/{pid.read_text().strip()}").exists(), what="the program is dead")
        assert "script" not in bench.local.checks


async def test_another_definition_takes_the_place_of_the_first() -> None:
    async with _bench() as bench:
        bench.register(Name="c", Args=["/bin/sh", "-c", "exit 1"], Interval="1s")
        await bench.until("c", WARNING)
        bench.register(Name="c", Args=["/bin/sh", "-c", "exit 0"], Interval="1s")
        await bench.until("c", PASSING)


async def test_failures_count_only_in_a_row_as_defined() -> None:
    async with _bench() as bench:
        bench.register(Name="c", TCP="127.0.0.1:1", Interval="1s", Status="passing", FailuresBeforeCritical=2)
        await bench.until("c", CRITICAL)
        changes = [one for one in bench.logged.entries if one["event"] == "agent.check.changed"]
        assert len(changes) == 1


class _Answers(Asker):
    """Answers in the place of what checks would ask, as `answer` says."""

    def __init__(self, answer: Callable[[CheckDefinition], Awaitable[Result]]) -> None:
        super().__init__({})
        self._answer = answer

    async def ask(self, definition: CheckDefinition, output_bytes_max: int) -> Result:
        return await self._answer(definition)


async def test_no_more_programs_run_at_once_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_module, "PROGRAMS_MAX", 2)
    asking = 0
    most = 0

    async def slow(_: CheckDefinition) -> Result:
        nonlocal asking, most
        asking += 1
        most = max(most, asking)
        await asyncio.sleep(0.4)
        asking -= 1
        return Result(PASSING, "")

    async with _bench(asker=_Answers(slow)) as bench:
        for number in range(6):
            bench.register(Name=f"c{number}", Args=["true"], Interval="1s")
        for number in range(6):
            await bench.until(f"c{number}", PASSING)
    assert most == 2


async def test_checks_that_hang_leave_the_others_their_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_module, "CONNECTIONS_MAX", 8)
    monkeypatch.setattr(runner_module, "SLOW_S", 0.2)
    runs: list[float] = []
    hung = 0

    async def answer(definition: CheckDefinition) -> Result:
        nonlocal hung
        if definition.name == "quick":
            runs.append(asyncio.get_running_loop().time())
            return Result(PASSING, "")
        await asyncio.sleep(0.5)
        hung += 1
        return Result(CRITICAL, "nothing came")

    async with _bench(asker=_Answers(answer)) as bench:
        for number in range(50):
            bench.register(Name=f"hangs-{number}", TCP="127.0.0.1:1", Interval="1s")
        await eventually(lambda: hung >= 50, within_s=30.0, what="each of them hung once")
        bench.register(Name="quick", TCP="127.0.0.1:1", Interval="1s")
        await eventually(lambda: len(runs) >= 4, within_s=30.0, what="four runs")
    # Fifty of half a second each wait for four places: whoever stood behind them would wait for seconds.
    gaps = [later - earlier for earlier, later in itertools.pairwise(runs)]
    assert min(gaps) < 1.5


async def test_a_check_that_goes_before_it_could_begin_frees_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_module, "PROGRAMS_MAX", 2)

    async def answer(_: CheckDefinition) -> Result:
        return Result(PASSING, "")

    async with _bench(asker=_Answers(answer)) as bench:
        left = {"c0", "c1"}
        for check_id in left:
            bench.register(Name=check_id, Args=["true"], Interval="1s")
        async with asyncio.timeout(10):
            while left:
                await asyncio.sleep(0)  # seen here, a task that is new has not begun
                for check_id in left & {task.get_name().removeprefix("check ") for task in asyncio.all_tasks()}:
                    bench.local.remove_check(check_id)
                    left.discard(check_id)
        bench.register(Name="last", Args=["true"], Interval="1s")
        await bench.until("last", PASSING)


async def test_a_check_warns_before_it_is_critical() -> None:
    async with _bench() as bench:
        thresholds = {"FailuresBeforeWarning": 1, "FailuresBeforeCritical": 3}
        bench.register(Name="c", TCP="127.0.0.1:1", Interval="1s", Status="passing", **thresholds)
        await bench.until("c", WARNING)
        await bench.until("c", CRITICAL, within_s=15.0)


async def test_outputs_are_discarded_where_that_is_configured() -> None:
    async with _bench(AgentSettings(discard_check_output=True)) as bench:
        bench.register(Name="beat", TTL="60s")
        bench.runner.update_ttl("beat", PASSING, "secret")
        assert bench.output("beat") == ""


async def test_an_alias_follows_its_service_at_once() -> None:
    async with _bench() as bench:
        bench.registrar.register_service(parse_service({"Name": "web", "Check": {"TTL": "60s", "Status": "passing"}}))
        bench.registrar.register_service(parse_service({"Name": "other"}))
        bench.register(Name="alias", AliasService="web", ServiceID="other")
        await bench.until("alias", PASSING)
        bench.runner.update_ttl("service:web", CRITICAL, "down")
        await bench.until("alias", CRITICAL)
        assert bench.output("alias") == "Aliased check \"Service 'web' check\" failing: down"
        bench.registrar.deregister_service("web")
        await eventually(lambda: "could not be found" in bench.output("alias"), what="the alias misses its service")


async def test_aliases_of_one_another_neither_run_for_ever_nor_stay_critical() -> None:
    async with _bench() as bench:
        for name, other in (("a", "b"), ("b", "a")):
            bench.registrar.register_service(parse_service({"Name": name}))
            bench.register(Name=f"of-{other}", AliasService=other, ServiceID=name)
        bench.register(Name="real", TTL="60s", ServiceID="a", Status=PASSING)
        await bench.until("of-a", PASSING)
        bench.runner.update_ttl("real", CRITICAL, "down")
        await bench.until("of-b", CRITICAL)
        assert bench.output("of-a") == 'Aliased check "real" failing: down'
        bench.runner.update_ttl("real", PASSING, "up")
        await bench.until("of-a", PASSING)
        await bench.until("of-b", PASSING)


async def test_an_alias_of_this_node_sees_its_node_checks() -> None:
    async with _bench() as bench:
        bench.registrar.register_service(parse_service({"Name": "web"}))
        bench.register(Name="alias", AliasNode=NODE.upper(), AliasService="web", ServiceID="web")
        await bench.until("alias", PASSING)
        bench.registrar.set_node_maintenance(enable=True, reason="")
        await bench.until("alias", CRITICAL)
        bench.registrar.set_node_maintenance(enable=False, reason="")
        await bench.until("alias", PASSING)


async def test_a_mistake_in_one_check_ends_neither_it_nor_others() -> None:
    async def broken(definition: CheckDefinition) -> Result:
        if definition.tcp:
            raise ZeroDivisionError(definition.tcp)
        return Result(PASSING, "")

    async with _bench(asker=_Answers(broken)) as bench:
        bench.register(Name="broken", TCP="127.0.0.1:1", Interval="1s", Status="passing")
        bench.register(Name="fine", Args=["/bin/true"], Interval="1s")
        await bench.until("broken", CRITICAL)
        await bench.until("fine", PASSING)
        assert "agent.check.crashed" in [entry["event"] for entry in bench.logged.entries]
