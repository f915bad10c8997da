"""Recorded exchanges with a peer: ask, keep what it answered, compare another run with it.

A *scenario* (`scenario.py`) is a list of steps in a readable Python file, one file an area, under
`tests/compat/scenarios`. A *cassette* (`cassette.py`) is the JSON file of what the real
Consul answered, under `tests/compat/recorded`. What differs
between two runs of the same program for good reason becomes a named placeholder (`normal_form.py`). `comparison.py`
tells two cassettes apart. Only `http_runner.py`, `dns_runner.py` and `cli_runner.py` touch the world.

`python -m tests.support.recorder record` records anew; `check` runs the real Consul again and compares.
"""
