// Every call of npm's `consul`, against the agent at the address in the first argument. Prints what went wrong, and at
// the end the names of all calls that the library has and this file does not.
"use strict";
const Consul = require("consul");

const [host, port] = process.argv[2].split(":");
const node = process.argv[3];
const client = new Consul({ host, port: Number(port) });
const wrong = [];
const made = new Set();

async function call(name, options, fits) {
  const [group, method] = [name.split(".").slice(0, -1), name.split(".").at(-1)];
  const target = group.reduce((value, key) => value[key], client);
  made.add(name);
  try {
    const found = await target[method](options);
    if (!fits(found)) wrong.push(`${name}: ${JSON.stringify(found)}`);
    return found;
  } catch (error) {
    wrong.push(`${name}: ${error}`);
    return undefined;
  }
}

// What an agent does is seen in the catalog a moment later.
async function eventually(name, options, fits) {
  for (let attempt = 0; attempt < 100; attempt++) {
    const [group, method] = [name.split(".").slice(0, -1), name.split(".").at(-1)];
    const found = await group.reduce((value, key) => value[key], client)[method](options).catch(() => undefined);
    if (found !== undefined && fits(found)) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return call(name, options, fits);
}

const any = () => true;
const some = (found) => found && (Array.isArray(found) ? found.length : Object.keys(found).length) > 0;

async function agents() {
  await call("agent.self", {}, (found) => found.Config.NodeName === node);
  await call("agent.members", {}, (found) => found[0].Name === node);
  await call("agent.reload", {}, any);
  await call("agent.service.register", { name: "web", id: "web-1", port: 80, tags: ["a"], check: { ttl: "60s" } }, any);
  await call("agent.services", {}, (found) => found["web-1"].Port === 80);
  await call("agent.service.list", {}, (found) => found["web-1"].Tags[0] === "a");
  await call("agent.service.maintenance", { id: "web-1", enable: true, reason: "rest" }, any);
  await call("agent.service.maintenance", { id: "web-1", enable: false }, any);
  await call("agent.maintenance", { enable: true }, any);
  await call("agent.maintenance", { enable: false }, any);
  await call("agent.check.register", { name: "mine", ttl: "60s", notes: "n" }, any);
  for (const [verb, status] of [["warn", "warning"], ["fail", "critical"], ["pass", "passing"]]) {
    await call(`agent.check.${verb}`, "mine", any);
    await call("agent.check.list", {}, (found) => found.mine.Status === status);
  }
  await call("agent.checks", {}, (found) => "mine" in found);
  await call("agent.check.deregister", "mine", any);
  await call("agent.check.pass", "service:web-1", any);
}

async function catalog() {
  await call("catalog.register", { node: "n1", address: "192.0.2.1", service: { service: "db", port: 5432 } }, any);
  await call("catalog.datacenters", {}, (found) => found[0] === "dc1");
  await call("catalog.node.list", {}, (found) => found.length === 2);
  await call("catalog.nodes", {}, some);
  await eventually("catalog.services", {}, (found) => "web" in found && "db" in found);
  await call("catalog.service.list", {}, some);
  await call("catalog.service.nodes", "db", (found) => found[0].ServicePort === 5432);
  await call("catalog.connect.nodes", "db", (found) => found.length === 0);
  await call("catalog.node.services", "n1", (found) => found.Services.db.Port === 5432);
  await eventually("health.service", { service: "web", passing: true }, some);
  await call("health.node", node, some);
  await call("health.checks", "web", (found) => found[0].CheckID === "service:web-1");
  await call("health.state", "passing", some);
  await call("catalog.deregister", { node: "n1" }, any);
}

async function keys() {
  const session = await call("session.create", { name: "s", ttl: "60s", lockdelay: "1s" }, (found) => found.ID);
  await call("session.info", session.ID, some);
  await call("session.get", session.ID, some);
  await call("session.node", node, some);
  await call("session.list", {}, some);
  await call("session.renew", session.ID, some);
  await call("kv.set", { key: "a/ä", value: "1", flags: 7 }, (found) => found === true);
  await call("kv.set", { key: "lock", value: "", acquire: session.ID }, (found) => found === true);
  await call("kv.set", { key: "a/ä", value: "2", cas: "1" }, (found) => !found);
  await call("kv.get", "a/ä", (found) => found.Value === "1" && found.Flags === 7);
  await call("kv.get", { key: "a/", recurse: true }, (found) => found.length === 1);
  await call("kv.get", "none", (found) => found === null || found === undefined);
  await call("kv.keys", "a", (found) => found[0] === "a/ä");
  await call("kv.del", "a/ä", any);
  await call("kv.delete", { key: "lock", recurse: true }, any);
  await call("session.destroy", session.ID, any);
  const value = Buffer.from("v").toString("base64");
  await call("transaction.create", [{ KV: { Verb: "set", Key: "t", Value: value } }], (found) => found.Results.length === 1);
  await call("event.fire", { name: "deploy", payload: "v1" }, (found) => found.Name === "deploy");
  await eventually("event.list", { name: "deploy" }, (found) => found.length === 1 && found[0].Payload === "v1");
}

async function queriesAndStatus() {
  const made = await call("query.create", { name: "q", service: { service: "web" } }, (found) => found.ID);
  await call("query.list", {}, some);
  await call("query.get", made.ID, some);
  await call("query.update", { query: made.ID, name: "q", service: { service: "web", onlypassing: true } }, any);
  await call("query.execute", "q", (found) => found.Service === "web");
  await call("query.explain", "q", any); // the library drops the answer
  await call("query.destroy", made.ID, any);
  await call("status.leader", {}, (found) => found.includes(":"));
  await call("status.peers", {}, some);
}

// The library's own watch: an emitter over blocking queries.
async function watching() {
  await call("kv.set", { key: "watched", value: "0" }, any);
  const values = [];
  const watch = client.watch({ method: client.kv.get, options: { key: "watched" }, backoffFactor: 100 });
  const done = new Promise((resolve, reject) => {
    watch.on("change", (data) => {
      values.push(data.Value);
      if (values.length === 1) client.kv.set("watched", "1");
      else resolve();
    });
    watch.on("error", reject);
  });
  await Promise.race([done, new Promise((resolve) => setTimeout(resolve, 15000))]);
  watch.end();
  if (values.join() !== "0,1") wrong.push(`watch: ${values}`);
}

function* methods(part, name) {
  for (const method of Object.getOwnPropertyNames(Object.getPrototypeOf(part))) {
    if (method !== "constructor" && !method.startsWith("_")) yield `${name}.${method}`;
  }
  for (const [inner, value] of Object.entries(part)) {
    if (inner !== "consul" && value && value.consul) yield* methods(value, `${name}.${inner}`);
  }
}

async function main() {
  await agents();
  await catalog();
  await keys();
  await queriesAndStatus();
  await watching();
  await call("agent.service.deregister", "web-1", any);
  const all = ["agent", "catalog", "event", "health", "kv", "query", "session", "status", "transaction"];
  const left = all.flatMap((name) => [...methods(client[name], name)]).filter((name) => !made.has(name));
  console.log(JSON.stringify({ wrong, left }));
  client.destroy();
}

main();
