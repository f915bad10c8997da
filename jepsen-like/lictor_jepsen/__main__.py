"""`python -m lictor_jepsen`, which is what `lictor torture` becomes."""

import signal

from lictor_jepsen.cli import main


def _end(_number: int, _frame: object) -> None:
    """As Ctrl-C does, also where a shell made this program deaf to that: what was started or begun is ended."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.raise_signal(signal.SIGINT)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)
    main(prog_name="lictor torture")
