"""`python -m lictor_jepsen`, which is what `lictor torture` becomes."""

from lictor_jepsen.cli import main

main(prog_name="lictor torture")
