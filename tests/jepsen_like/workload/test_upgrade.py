"""When the workload of upgrades takes its steps."""

from lictor_jepsen.generator import Generator
from lictor_jepsen.workload.upgrade import Upgrade


def _fs(thread: int) -> list[str]:
    generator = Generator(Upgrade(), 1, threads=6)
    return [generator.invocation(thread, number, {}).f for number in range(200)]


def test_the_first_thread_alone_upgrades_with_other_work_between() -> None:
    first = _fs(0)
    assert first.count("upgrade") == 10
    assert "upgrade" not in first[:10]
    assert set(first) == {"upgrade", "write", "append", "read"}
    assert "upgrade" not in _fs(1)
