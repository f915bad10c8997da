"""What a run leaves."""

import json
from pathlib import Path

from lictor_jepsen.checker import Finding, Problem, Verdict
from lictor_jepsen.op import Kind, Op
from lictor_jepsen.outage import Outage
from lictor_jepsen.store import Results, RunFolder, kept, planned_workload, to_json
from lictor_jepsen.workload import WORKLOADS

RESULTS = Results(
    Verdict.INVALID,
    {"seed": 7},
    {"default": Finding(Verdict.INVALID, 3, (Problem("lost", (2, 4)),))},
    {"write": {"ok": 3, "fail": 0, "info": 1}},
    ("1.0 s kill-one: killed n1",),
    {"disk-full": "no disk"},
    None,
    (Outage("kill-one", "killed n1", 1.0, None, 2.0, 1.5),),
    ("odd",),
)


def test_results_are_json_by_name() -> None:
    tree = json.loads(to_json(RESULTS))
    assert tree["verdict"] == "invalid"
    assert tree["findings"]["default"] == {
        "verdict": "invalid",
        "judged": 3,
        "problems": [{"text": "lost", "lines": [2, 4]}],
    }
    assert tree["recovered_s"] is None


def test_kept_runs_are_listed_with_their_verdicts_and_cut_short_ones_are_unknown(tmp_path: Path) -> None:
    for name in ("b-cut-short", "a-whole", "c-broken"):
        (tmp_path / name).mkdir()
    RunFolder(tmp_path / "a-whole").results.write_text(to_json(RESULTS))
    RunFolder(tmp_path / "c-broken").results.write_text("{")
    RunFolder(tmp_path / "b-cut-short").plan.write_text("{}")
    (tmp_path / "d-no-run").mkdir()
    assert [(run.name, run.verdict) for run in kept(tmp_path)] == [
        ("a-whole", Verdict.INVALID),
        ("b-cut-short", Verdict.UNKNOWN),
        ("c-broken", Verdict.UNKNOWN),
    ]
    assert [run.results for run in kept(tmp_path)] == [RESULTS, None, None]
    assert list(kept(tmp_path / "nowhere")) == []


def test_a_run_is_judged_again_as_it_was_there(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.plan.write_text('{"workload": "names"}')
    assert planned_workload(folder) is WORKLOADS["names"]
    house = '{"session_ttl_min_ms": 10000, "dns_max_stale_ms": 9000, "has_dns": true}'
    folder.plan.write_text(f'{{"workload": "names", "house": {house}}}')
    put = Op(0.0, 0, Kind.INVOKE, "put", "web", (0, 1), node="s1")
    ask = Op(8000.0, 1, Kind.INVOKE, "addresses", "web", "udp", node="s1")
    ends = (put._replace(kind=Kind.OK, time_ms=1.0), ask._replace(kind=Kind.OK, time_ms=8001.0, value=(False, ())))
    history = [put, ends[0], ask, ends[1]]
    assert WORKLOADS["names"].check(history)["services"].verdict is Verdict.INVALID
    assert planned_workload(folder).check(history)["services"].verdict is Verdict.VALID


def test_every_key_of_the_results_is_documented() -> None:
    document = (Path(__file__).parents[2] / "docs" / "torture.md").read_text()
    for key in json.loads(to_json(RESULTS)):
        assert f"| `{key}` |" in document, key
    for key in Outage._fields:
        assert f"`{key}`" in document, key
