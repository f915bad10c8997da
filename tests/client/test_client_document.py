"""The examples of `docs/CLIENT.md` run as they stand there, against a real agent."""

import asyncio
import inspect
import re
import textwrap
from pathlib import Path

import pytest

from tests.support.agents import DevAgent

DOCUMENT = Path(__file__).parents[2] / "docs" / "CLIENT.md"
EXAMPLES = re.findall(r"^```python( async)?\n(.*?)^```$", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 8


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_runs(number: int, live_agent: DevAgent, monkeypatch: pytest.MonkeyPatch) -> None:
    is_async, source = EXAMPLES[number]
    monkeypatch.setenv("LICTOR_HTTP_ADDR", live_agent.http_address)
    wrapped = f"async def example():\n{textwrap.indent(source, '    ')}" if is_async else source
    names: dict[str, object] = {"AGENT": live_agent.http_address}
    exec(compile(wrapped, f"{DOCUMENT.name}#{number}", "exec"), names)
    if is_async:
        example = names["example"]
        assert inspect.iscoroutinefunction(example)
        asyncio.run(example())
