"""The command line `lictor`: Consul's commands, flags, output and exit codes.

One module a group of commands, imported when it is called for. What a command prints to stdout is Consul's, byte for
byte; errors are one line on stderr that names the thing, the reason and the next step. Colours, frames and progress
appear on terminals only and change no word.
"""

from __future__ import annotations

import os
import sys

__all__ = ["main"]


def main() -> None:
    """The entry point of the console command."""
    from lictor.cli.program import complete, run
    from lictor.cli.streams import open_closed, pass_bytes_on, settle

    open_closed()
    pass_bytes_on()
    try:
        line = os.environ.get("COMP_LINE")  # set by shells that complete, as they do for Consul's program
        code = run(sys.argv[1:]) if line is None else complete(_to_cursor(line), sys.argv[1:])
    finally:
        settle()
    sys.exit(code)


def _to_cursor(line: str) -> str:
    """What stands before the cursor, whose place COMP_POINT counts in bytes."""
    place = os.environ.get("COMP_POINT", "")
    return os.fsencode(line)[: int(place)].decode(errors="surrogateescape") if place.isdecimal() else line
