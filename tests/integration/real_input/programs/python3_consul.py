"""Every call of Debian's python3-consul, against the agent whose address and node are the arguments.

Run by Debian's own Python. Prints what went wrong and which calls of the library are not made here, as JSON.
"""

import inspect
import json
import sys
import time

import consul

HOST, PORT = sys.argv[1].split(":")
NODE = sys.argv[2]
client = consul.Consul(host=HOST, port=int(PORT))
wrong = []
made = set()


def ask(name, /, *args, fits=None, **named):
    """Make a call; one that reads what follows a moment later is made until it fits, for ten seconds."""
    made.add(name)
    part = client
    for word in name.split("."):
        part = getattr(part, word)
    deadline = time.monotonic() + (10 if name.startswith(("catalog.", "health.", "event.list")) else 0)
    while True:
        try:
            found = part(*args, **named)
        except Exception as error:
            wrong.append(f"{name}: {error!r}")
            return None
        if fits is None or fits(found):
            return found
        if time.monotonic() >= deadline:
            wrong.append(f"{name}: {found!r}")
            return found
        time.sleep(0.1)


def is_true(found):
    return found is True


def is_false(found):
    return found is False


def rows(found):
    return bool(found[1])


def agents():
    ask("agent.self", fits=lambda found: found["Config"]["NodeName"] == NODE)
    ask("agent.members", fits=lambda found: found[0]["Name"] == NODE)
    check = consul.Check.ttl("60s")
    ask("agent.service.register", "web", service_id="web-1", port=80, tags=["a"], check=check, fits=is_true)
    ask("agent.services", fits=lambda found: found["web-1"]["Port"] == 80)
    ask("agent.service.maintenance", "web-1", "true", "rest", fits=is_true)
    ask("agent.service.maintenance", "web-1", "false", fits=is_true)
    ask("agent.maintenance", "true", "rest", fits=is_true)
    ask("agent.maintenance", "false", fits=is_true)
    ask("agent.check.register", "mine", check_id="mine", check=check, fits=is_true)
    # The library asks these by GET, which Consul has not taken since 1.0: it sees the refusal as False.
    for verb in ("warn", "fail", "pass"):
        ask(f"agent.check.ttl_{verb}", "mine", fits=is_false)
    ask("agent.check.deregister", "mine", fits=is_false)
    ask("agent.checks", fits=lambda found: found["mine"]["Status"] == "critical")
    for path in ("check/deregister/mine", "check/pass/service:web-1"):
        client.http.put(consul.base.CB.bool(), f"/v1/agent/{path}")


def catalog():
    service = {"Service": "db", "Port": 5432}
    ask("catalog.register", "n1", "192.0.2.1", service=service, fits=is_true)
    ask("catalog.datacenters", fits=lambda found: found == ["dc1"])
    ask("catalog.nodes", fits=lambda found: len(found[1]) == 2)
    ask("catalog.services", fits=lambda found: {"web", "db"} <= set(found[1]))
    ask("catalog.node", "n1", fits=lambda found: found[1]["Services"]["db"]["Port"] == 5432)
    ask("catalog.service", "db", fits=lambda found: found[1][0]["ServicePort"] == 5432)
    ask("health.service", "web", passing=True, fits=rows)
    ask("health.checks", "web", fits=rows)
    ask("health.state", "passing", fits=rows)
    ask("health.node", NODE, fits=rows)
    ask("catalog.deregister", "n1", fits=is_true)
    ask("coordinate.nodes", fits=lambda found: isinstance(found[1], list))
    ask("coordinate.datacenters", fits=bool)


def keys():
    session = ask("session.create", name="s", ttl=60, lock_delay=1, fits=bool)
    ask("session.list", fits=rows)
    ask("session.node", NODE, fits=rows)
    ask("session.info", session, fits=rows)
    ask("session.renew", session, fits=bool)
    ask("kv.put", "a", "1", flags=7, fits=is_true)
    ask("kv.put", "lock", "", acquire=session, fits=is_true)
    ask("kv.put", "a", "2", cas=0, fits=lambda found: found is False)
    ask("kv.get", "a", fits=lambda found: found[1]["Value"] == b"1")
    ask("kv.get", "", keys=True, fits=lambda found: found[1] == ["a", "lock"])
    ask("kv.delete", "", recurse=True, fits=is_true)
    ask("session.destroy", session, fits=is_true)
    ask("event.fire", "deploy", "v1", fits=lambda found: found["Name"] == "deploy")
    ask("event.list", "deploy", fits=lambda found: found[1] and found[1][0]["Payload"] == b"v1")


def queries_and_servers():
    query = ask("query.create", "web", name="q", regexp="", fits=bool)["ID"]
    ask("query.list", fits=bool)
    ask("query.get", query, fits=bool)
    ask("query.update", query, name="q", service="web", regexp="", fits=is_true)
    ask("query.execute", "q", fits=lambda found: found["Service"] == "web")
    ask("query.explain", "q", fits=lambda found: found["Query"]["Name"] == "q")
    ask("query.delete", query, fits=is_true)
    ask("status.leader", fits=bool)
    ask("status.peers", fits=bool)
    ask("operator.raft_config", fits=lambda found: found["Servers"][0]["Leader"])
    ask("agent.service.deregister", "web-1", fits=is_false)  # by GET, too


def methods(part, name):
    for found, value in inspect.getmembers(part):
        if found.startswith("_") or found == "agent":
            continue
        if inspect.ismethod(value):
            yield f"{name}.{found}"
        elif type(value).__module__ == "consul.base" and not isinstance(value, type):
            yield from methods(value, f"{name}.{found}")


for work in (agents, catalog, keys, queries_and_servers):
    work()
parts = ("agent", "catalog", "coordinate", "event", "health", "kv", "operator", "query", "session", "status")
left = sorted({name for part in parts for name in methods(getattr(client, part), part)} - made)
print(json.dumps({"wrong": wrong, "left": left}))
