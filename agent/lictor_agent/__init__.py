"""The agent: the process on every host, which owns what is registered on that host.

What may enter: definitions of services and checks (from files and over HTTP), the results of checks, and what the
registry answers. What leaves: registrations for the catalog, answers over HTTP and DNS, leaf certificates.
The shared state itself is the servers'; the agent reaches it only through `lictor_core.registry.Registry`.

`local` holds what is registered here, `sync` says what the catalog must be told, `loop` tells it. `checks` watches
health, `certs` keeps leaf certificates, `lease` keeps this agent a member. `agent` is the facade over all of these,
`http` its HTTP API, and `main` puts a process together.
"""

from lictor_agent.sparing import import_structlog

import_structlog()

__all__: list[str] = []
