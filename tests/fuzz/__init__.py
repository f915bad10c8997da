"""Fuzzing: bytes that others control, into every decoder, for as long as one likes (`python -m tests.fuzz --help`).

A *target* is a decoder with what it promises; an input that makes it break its promise is a *find*. The engine is
libFuzzer by way of atheris: it sees which of Lictor's code an input reached, keeps what reached something new, and goes
on from there. `corpus/<target>/` holds inputs that together reach what was ever reached, and the finds that were
mended; `make test` replays them all, which needs no atheris.
"""
