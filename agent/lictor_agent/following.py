"""Which parts of the process follow the configuration when it is reloaded, beyond services and checks."""

from __future__ import annotations

from dataclasses import replace

from lictor_agent import assembly
from lictor_agent.agent import Agent
from lictor_agent.aging import CertificateAges
from lictor_agent.backing import Backing
from lictor_agent.grpc_port import GrpcPort
from lictor_agent.http.server import HttpServer
from lictor_agent.log import LogOutput
from lictor_config.tree import Configuration
from lictor_dns import DnsServer, DnsSettings

__all__ = ["follow"]


def follow(
    agent: Agent,
    *,
    backing: Backing,
    http: HttpServer,
    dns: DnsServer | None,
    output: LogOutput,
    grpc: GrpcPort | None = None,
    ages: CertificateAges | None = None,
) -> None:
    """Have log, HTTP API, gRPC, DNS, and the way to the servers take over what changes for them, at each reload."""
    first = agent.configuration

    def answered(configuration: Configuration) -> DnsSettings:
        # What else shapes answers, such as the domain, waits for a restart.
        return assembly.dns_settings(replace(first, dns=configuration.dns))

    def take(old: Configuration, new: Configuration) -> None:
        output.set_level(new.log.level)
        http.follow(assembly.http_settings(new))
        if dns is not None and answered(new) != answered(old):
            dns.follow(answered(new))
        backing.follow(new)
        renew(replace(new, auto_encrypt=first.auto_encrypt))

    used = first
    """What TLS was last read from without a flaw."""

    def renew(configuration: Configuration) -> None:
        """TLS at every door. The paths may be the same and the files others.

        All are read before any is used: half a change is none.
        """
        nonlocal used
        given = backing.certificate
        renewals = [backing.renewal(configuration), http.renewal(assembly.https_settings(configuration, given))]
        if grpc is not None:
            renewals.append(grpc.renewal(assembly.grpc_tls(configuration, given)))
        for use in renewals:
            use()
        used = configuration
        if ages is not None:
            ages.note(configuration, given)
        agent.use_check_tls(assembly.check_tls(configuration, None if given is None else given.pair))

    if ages is not None:
        ages.note(first, None)
    backing.at_certificate(lambda: renew(used))
    agent.on_reload(take)
