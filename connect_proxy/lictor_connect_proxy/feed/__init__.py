"""Where a data plane's knowledge comes from: questions to the agent beside it, or to the one around it.

`needs` are the questions, `answers` and `registrations` understand what comes back, `assembling` makes a snapshot of
what is known and so finds out what has to be known. `agent` asks over a socket; `feed` keeps it all going and publishes
a new snapshot for every change.
"""

__all__: list[str] = []
