"""The command line `lictor`: Consul's commands, flags, output and exit codes.

One module a group of commands, imported when it is called for. What a command prints to stdout is Consul's, byte for
byte; errors are one line on stderr that names the thing, the reason and the next step. Colours, frames and progress
appear on terminals only and change no word.
"""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """The entry point of the console command."""
    from lictor.cli.program import run
    from lictor.cli.streams import open_closed, settle

    open_closed()
    try:
        code = run(sys.argv[1:])
    finally:
        settle()
    sys.exit(code)
