"""`python -m lictor_jepsen`."""

from lictor_jepsen.cli import main

main(prog_name="python -m lictor_jepsen")
