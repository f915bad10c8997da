"""The parts of the API as clients have them: `client.kv`, `client.health` and so on. What each call means, takes and
returns stands in the function of `calls` that it names.
"""

from __future__ import annotations

from typing import Final

from lictor.api.binding import Area, C_co, Following, Once, Watchable
from lictor.api.calls import (
    acl,
    agent,
    ca,
    catalog,
    config,
    coordinate,
    discovery_chain,
    dns,
    event,
    health,
    intentions,
    kv,
    operator,
    query,
    session,
    snapshot,
    status,
    txn,
)

__all__ = [
    "ACL",
    "BY_NAME",
    "CA",
    "KV",
    "Agent",
    "Catalog",
    "Config",
    "Coordinate",
    "DiscoveryChain",
    "Dns",
    "Event",
    "Health",
    "Intentions",
    "Operator",
    "Query",
    "Session",
    "Snapshot",
    "Status",
    "Txn",
]


class ACL(Area[C_co]):
    """Who may do what: `/v1/acl`."""

    auth_method = Watchable(acl.auth_method)
    auth_methods = Watchable(acl.auth_methods)
    authorize = Once(acl.authorize)
    binding_rule = Watchable(acl.binding_rule)
    binding_rules = Watchable(acl.binding_rules)
    bootstrap = Once(acl.bootstrap)
    clone_token = Once(acl.clone_token)
    create_auth_method = Once(acl.create_auth_method)
    create_binding_rule = Once(acl.create_binding_rule)
    create_policy = Once(acl.create_policy)
    create_role = Once(acl.create_role)
    create_token = Once(acl.create_token)
    delete_auth_method = Once(acl.delete_auth_method)
    delete_binding_rule = Once(acl.delete_binding_rule)
    delete_policy = Once(acl.delete_policy)
    delete_role = Once(acl.delete_role)
    delete_token = Once(acl.delete_token)
    explain = Once(acl.explain)
    login = Once(acl.login)
    logout = Once(acl.logout)
    own_token = Watchable(acl.own_token)
    policies = Watchable(acl.policies)
    policy = Watchable(acl.policy)
    policy_named = Watchable(acl.policy_named)
    replication = Once(acl.replication)
    role = Watchable(acl.role)
    role_named = Watchable(acl.role_named)
    roles = Watchable(acl.roles)
    token = Watchable(acl.token)
    tokens = Watchable(acl.tokens)
    translate = Once(acl.translate)
    translate_token = Once(acl.translate_token)
    update_auth_method = Once(acl.update_auth_method)
    update_binding_rule = Once(acl.update_binding_rule)
    update_policy = Once(acl.update_policy)
    update_role = Once(acl.update_role)
    update_token = Once(acl.update_token)


class Agent(Area[C_co]):
    """The agent that is spoken to, and what is registered with it: `/v1/agent`."""

    authorize = Once(agent.authorize)
    checks = Once(agent.checks)
    deregister_check = Once(agent.deregister_check)
    deregister_service = Once(agent.deregister_service)
    fail_check = Once(agent.fail_check)
    force_leave = Once(agent.force_leave)
    health_by_id = Once(agent.health_by_id)
    health_by_name = Once(agent.health_by_name)
    host = Once(agent.host)
    join = Once(agent.join)
    leaf = Watchable(agent.leaf)
    leave = Once(agent.leave)
    local = Once(agent.local)
    maintain_node = Once(agent.maintain_node)
    maintain_service = Once(agent.maintain_service)
    members = Once(agent.members)
    metrics = Once(agent.metrics)
    pass_check = Once(agent.pass_check)
    proxies = Once(agent.proxies)
    register_check = Once(agent.register_check)
    register_service = Once(agent.register_service)
    reload = Once(agent.reload)
    roots = Watchable(agent.roots)
    self = Once(agent.self)
    service = Watchable(agent.service)
    services = Once(agent.services)
    set_token = Once(agent.set_token)
    update_check = Once(agent.update_check)
    warn_check = Once(agent.warn_check)
    xds = Once(agent.xds)


class CA(Area[C_co]):
    """The certificate authority of the mesh: `/v1/connect/ca`."""

    configuration = Once(ca.configuration)
    configure = Once(ca.configure)
    roots = Watchable(ca.roots)
    status = Once(ca.status)


class Catalog(Area[C_co]):
    """Nodes and services: `/v1/catalog`."""

    connect = Watchable(catalog.connect)
    datacenters = Once(catalog.datacenters)
    deregister = Once(catalog.deregister)
    gateway_services = Watchable(catalog.gateway_services)
    node = Watchable(catalog.node)
    node_services = Watchable(catalog.node_services)
    nodes = Watchable(catalog.nodes)
    register = Once(catalog.register)
    service = Watchable(catalog.service)
    services = Watchable(catalog.services)


class Config(Area[C_co]):
    """Configuration entries: `/v1/config`."""

    delete = Once(config.delete)
    entries = Watchable(config.entries)
    get = Watchable(config.get)
    put = Once(config.put)
    put_enforced = Once(config.put_enforced)


class Coordinate(Area[C_co]):
    """Where nodes stand: `/v1/coordinate`."""

    datacenters = Once(coordinate.datacenters)
    node = Watchable(coordinate.node)
    nodes = Watchable(coordinate.nodes)
    update = Once(coordinate.update)


class DiscoveryChain(Area[C_co]):
    """How requests for a service find instances: `/v1/discovery-chain`."""

    get = Watchable(discovery_chain.get)


class Dns(Area[C_co]):
    """DNS as the agent answers it, and the virtual addresses of services: `/v1/internal`."""

    explain = Once(dns.explain)
    virtual_addresses = Watchable(dns.virtual_addresses)


class Event(Area[C_co]):
    """User events: `/v1/event`."""

    events = Watchable(event.events)
    fire = Once(event.fire)


class Health(Area[C_co]):
    """Instances and their checks: `/v1/health`."""

    checks = Watchable(health.checks)
    connect = Watchable(health.connect)
    ingress = Watchable(health.ingress)
    node = Watchable(health.node)
    service = Watchable(health.service)
    state = Watchable(health.state)
    watch = Following(health.service)


class Intentions(Area[C_co]):
    """Who may connect to whom: `/v1/connect/intentions`."""

    check = Once(intentions.check)
    create = Once(intentions.create)
    delete = Once(intentions.delete)
    delete_enforced = Once(intentions.delete_enforced)
    delete_exact = Once(intentions.delete_exact)
    explain = Once(intentions.explain)
    get = Watchable(intentions.get)
    get_exact = Watchable(intentions.get_exact)
    list_all = Watchable(intentions.list_all)
    match = Watchable(intentions.match)
    put_enforced = Once(intentions.put_enforced)
    put_exact = Once(intentions.put_exact)
    update = Once(intentions.update)


class KV(Area[C_co]):
    """Keys and values: `/v1/kv`."""

    delete = Once(kv.delete)
    delete_tree = Once(kv.delete_tree)
    get = Watchable(kv.get)
    keys = Watchable(kv.keys)
    put = Once(kv.put)
    tree = Watchable(kv.tree)
    watch = Following(kv.get)


class Operator(Area[C_co]):
    """The servers: `/v1/operator`."""

    autopilot_configuration = Once(operator.autopilot_configuration)
    autopilot_health = Once(operator.autopilot_health)
    autopilot_state = Once(operator.autopilot_state)
    keyring = Once(operator.keyring)
    keyring_install = Once(operator.keyring_install)
    keyring_remove = Once(operator.keyring_remove)
    keyring_use = Once(operator.keyring_use)
    raft_configuration = Once(operator.raft_configuration)
    remove_peer = Once(operator.remove_peer)
    security = Once(operator.security)
    set_autopilot_configuration = Once(operator.set_autopilot_configuration)
    transfer_leader = Once(operator.transfer_leader)


class Query(Area[C_co]):
    """Prepared queries: `/v1/query`."""

    create = Once(query.create)
    delete = Once(query.delete)
    execute = Once(query.execute)
    explain = Once(query.explain)
    get = Watchable(query.get)
    queries = Watchable(query.queries)
    update = Once(query.update)


class Session(Area[C_co]):
    """Sessions, by which keys are locked: `/v1/session`."""

    create = Once(session.create)
    destroy = Once(session.destroy)
    info = Watchable(session.info)
    node = Watchable(session.node)
    renew = Once(session.renew)
    sessions = Watchable(session.sessions)


class Snapshot(Area[C_co]):
    """All state of the servers as an archive: `/v1/snapshot`."""

    restore = Once(snapshot.restore)
    save = Once(snapshot.save)


class Status(Area[C_co]):
    """Who leads: `/v1/status`."""

    leader = Once(status.leader)
    peers = Once(status.peers)


class Txn(Area[C_co]):
    """Transactions: `/v1/txn`."""

    run = Once(txn.run)


BY_NAME: Final[dict[str, type[Area[object]]]] = {
    "acl": ACL,
    "agent": Agent,
    "ca": CA,
    "catalog": Catalog,
    "config": Config,
    "coordinate": Coordinate,
    "discovery_chain": DiscoveryChain,
    "dns": Dns,
    "event": Event,
    "health": Health,
    "intentions": Intentions,
    "kv": KV,
    "operator": Operator,
    "query": Query,
    "session": Session,
    "snapshot": Snapshot,
    "status": Status,
    "txn": Txn,
}
"""The areas by the names that clients give them."""
