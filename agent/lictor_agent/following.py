"""Which parts of the process follow the configuration when it is reloaded, beyond services and checks."""

from __future__ import annotations

from lictor_agent import assembly
from lictor_agent.agent import Agent
from lictor_agent.backing import Backing
from lictor_agent.http.server import HttpServer
from lictor_agent.log import LogOutput
from lictor_config.tree import Configuration
from lictor_dns import DnsServer

__all__ = ["follow"]


def follow(agent: Agent, *, backing: Backing, http: HttpServer, dns: DnsServer | None, output: LogOutput) -> None:
    """Have log, HTTP API, DNS, and the way to the servers take over what changes for them, at each reload."""

    def take(old: Configuration, new: Configuration) -> None:
        output.set_level(new.log.level)
        http.follow(assembly.http_settings(new))
        settings = assembly.dns_settings(new)
        if dns is not None and settings != assembly.dns_settings(old):
            dns.follow(settings)
        if new.first_entries:  # also what was there before: as in Consul, what was deleted meanwhile comes back
            backing.follow(new)
        backing.renew(new)  # the paths may be the same and the files others

    agent.on_reload(take)
