"""The wire between services: a proxy beside each instance that speaks mTLS for it and carries out the intentions.

What may enter: connections and their layers, the snapshot a data plane is driven by, TLS, the feed that keeps the
snapshot current from an agent's HTTP API. What may not: the truth (it is the server's), DNS, agent configuration; of
the other rooms only core is known here.

`run(options, clock, rng, log)` is the process behind `lictor connect proxy`; `serve` is the same inside another
program.
"""

from lictor_connect_proxy.feed.agent import AgentAddress
from lictor_connect_proxy.options import ProxyOptions
from lictor_connect_proxy.process import run, serve

__all__ = ["AgentAddress", "ProxyOptions", "run", "serve"]
