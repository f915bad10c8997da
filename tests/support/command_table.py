"""The commands of the real Consul and their flags, as its help lists them: `python -m tests.support.command_table`.

The table is `tests/compat/recorded/commands.json`: a command to its flags, sorted; groups of commands have none.
"""

import json
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.support.agents import program_of

__all__ = ["TABLE", "ask", "load"]

TABLE = Path(__file__).parents[1] / "compat" / "recorded" / "commands.json"
_FLAG = re.compile(r"^  -([a-z][a-z0-9-]*)(?:=.*)?$", re.MULTILINE)
_COMMANDS = re.compile(r"(?:Subcommands|Available commands are):\n+((?:    \S.*\n|\n)+)")
_COMMAND = re.compile(r"^    ([a-z][a-z-]*)\s", re.MULTILINE)
_HELP_S_MAX = 60.0
_AT_ONCE = 4


def ask() -> dict[str, list[str]]:
    """The table as the real Consul gives it."""
    table: dict[str, list[str]] = {}
    level: list[tuple[str, ...]] = [()]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        while level:
            below: list[tuple[str, ...]] = []
            for words, text in zip(level, pool.map(_help, level), strict=True):
                found = _COMMANDS.search(text)
                names = _COMMAND.findall(found.group(1)) if found else []
                below += [(*words, name) for name in names]
                if words:
                    table[" ".join(words)] = sorted(set(_FLAG.findall(text)))
            level = below
    return dict(sorted(table.items()))


def load() -> dict[str, list[str]]:
    """The table as it is kept."""
    found: dict[str, list[str]] = json.loads(TABLE.read_text())
    return found


def _help(words: tuple[str, ...]) -> str:
    done = subprocess.run(
        [program_of("consul"), *words, "-help"], capture_output=True, text=True, timeout=_HELP_S_MAX, check=False
    )
    return done.stdout + done.stderr


if __name__ == "__main__":
    TABLE.write_text(json.dumps(ask(), indent=1) + "\n")
