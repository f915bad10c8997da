"""Envoy as a data plane, driven by delta xDS (API v3) from the agent.

`kinds` names the kinds of resources, `descriptors` knows their fields; `builders` (pure) makes resources of a snapshot,
`resources` encodes what changed, `stream` decides what an Envoy is told next (pure), `server_grpclib` carries it.
`bootstrap` and `runner` start an Envoy. Nothing here is imported until an Envoy is there: protobuf and grpclib are
extras, and cost memory.
"""

__all__: list[str] = []
