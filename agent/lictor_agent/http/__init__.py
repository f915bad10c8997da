"""The HTTP API `/v1/*`, as Consul 1.8 speaks it.

A request comes in, an answer goes out; what it means is asked of the agent's facade and, through it, of the registry.
Nothing here changes state by itself, and no other room knows of it but `main`, which starts the server.
"""

from lictor_agent.http.hot_answers import HotSource
from lictor_agent.http.listening import ListenAddress, TcpAddress, UnixAddress
from lictor_agent.http.server import HttpServer
from lictor_agent.http.settings import HttpSettings

__all__ = ["HotSource", "HttpServer", "HttpSettings", "ListenAddress", "TcpAddress", "UnixAddress"]
