"""Profiles of this process, in the form that `go tool pprof` reads. Loaded when somebody asks for one.

What may enter: stacks and counts; what leaves: bytes. Nothing here is running unless a profile is being taken.
"""

__all__: list[str] = []
