"""The vocabulary that all rooms share: pure values and pure functions.

What may enter: records, commands, queries, views, errors, codecs, names, the intention engine, durations, limits,
and the interfaces of clock and chance. What may not: sockets, files, threads, event loops, logs, the current time.
Nothing here imports another room.
"""

__all__: list[str] = []
