"""The agent as the source of what data planes on its host must know.

May enter: questions of the room `connect_proxy`, and its feeds. May not: anything that a proxy beside the agent could
not ask over a socket.
"""

__all__: list[str] = []
