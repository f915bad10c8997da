"""Where a proxy's knowledge comes from: blocking queries against the HTTP API of the agent beside it.

`answers` understands (pure), `agent` asks, `sources` say what to ask and how to wait, `feed` keeps it all going and
publishes a new snapshot for every change.
"""

__all__: list[str] = []
