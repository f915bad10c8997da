"use strict";
// What people do: filters, keys, the pointer, and links into the timeline.
const form = document.querySelector(".filters"), LISTED_MAX = 200;
const tip = document.body.appendChild(Object.assign(document.createElement("div"), { className: "tip", hidden: true }));

function refresh() {
  for (const name of ["key", "lane", "what"]) form.elements[name].value = view[name];
  for (const box of form.querySelectorAll("[name=kind]")) box.checked = view.kinds.has(box.value);
  document.getElementById("span").textContent =
    `${(view.from / 1000).toFixed(2)} to ${(view.to / 1000).toFixed(2)} s of ${(data.last_ms / 1000).toFixed(1)} s`;
  document.getElementById("chosen").textContent = view.chosen < 0 ? "" : told(view.chosen);
  drawAll();
  list();
}

// The calls in view as a table, for those who cannot see the canvas or want to read.
function list() {
  const details = document.getElementById("listed"), table = details.querySelector("table");
  if (!details.open) return;
  table.replaceChildren();
  const row = (cells, name) => {
    const line = table.insertRow();
    cells.forEach((cell) => { line.appendChild(document.createElement(name)).textContent = cell; });
    return line;
  };
  row(["line", "begins", "took", "client", "operation", "key", "value", "ended"], "th");
  let count = 0;
  for (let at = 0; at < calls.line.length && count < LISTED_MAX; at++) {
    if (calls.begin[at] > view.to || endOf(at) < view.from || !isShown(at)) continue;
    if (view.marked.size && !view.marked.has(at)) continue;
    count += 1;
    const took = calls.took[at] === null ? "" : `${calls.took[at].toFixed(1)} ms`;
    const line = row([calls.line[at], `${(calls.begin[at] / 1000).toFixed(3)} s`, took, data.lanes[calls.lane[at]],
      data.whats[calls.what[at]], data.keys[calls.key[at]], calls.value[at], `${KINDS[calls.kind[at]]} ${calls.error[at]}`], "td");
    line.classList.toggle("chosen", at === view.chosen);
  }
  if (count === LISTED_MAX) row([`the first ${LISTED_MAX}: come closer, or choose less`], "td");
}

function follow() {
  const [what, text] = location.hash.slice(1).split("="), number = Number(text);
  document.querySelectorAll("li.chosen").forEach((item) => item.classList.remove("chosen"));
  view.marked = new Set();
  if (what === "line") {
    view.chosen = ofLine(number);
    if (view.chosen >= 0) lookAt([view.chosen]);
  } else if (what === "problem" && data.problems[number]) {
    view.marked = new Set(data.problems[number]);
    view.chosen = data.problems[number].at(-1) ?? -1;
    lookAt(data.problems[number]);
    document.getElementById(`problem-${number}`).classList.add("chosen");
  } else return;
  refresh();
  document.getElementById("plots").scrollIntoView({ block: "start" });
}

function choose(name, value) { view[name] = value; refresh(); }

form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("change", (event) => {
  const box = event.target;
  if (box.name === "kind") { box.checked ? view.kinds.add(box.value) : view.kinds.delete(box.value); refresh(); }
  else choose(box.name, box.value);
});
const ZOOMS = { in: () => closer(0.5), out: () => closer(2), all: () => { look(0, data.last_ms); view.marked = new Set(); } };
for (const [name, zoom] of Object.entries(ZOOMS)) {
  form.elements[name].addEventListener("click", () => { zoom(); refresh(); });
}

const KEYS = {
  "+": ZOOMS.in, "=": ZOOMS.in, "-": ZOOMS.out, 0: ZOOMS.all,
  ArrowLeft: () => pan(-0.2), ArrowRight: () => pan(0.2), n: () => next(1), p: () => next(-1),
  Escape: () => { view.chosen = -1; view.marked = new Set(); },
};
function pan(share) { const by = (view.to - view.from) * share; look(view.from + by, view.to + by); }

// The next call, or the one before, among those that are shown; the view follows it.
function next(by) {
  let at = view.chosen < 0 ? calls.begin.findIndex((ms, place) => ms >= view.from && isShown(place)) - by : view.chosen;
  do at += by; while (at >= 0 && at < calls.line.length && !isShown(at));
  if (at < 0 || at >= calls.line.length) return;
  view.chosen = at;
  if (calls.begin[at] < view.from || endOf(at) > view.to) lookAt([at]);
}

function met(canvas, event) {
  const at = canvas.getBoundingClientRect(), x = event.clientX - at.left, y = event.clientY - at.top;
  if (canvas.id === "timeline") {
    const hit = boxes.findLast(([left, top, wide, high]) => x >= left - 2 && x <= left + wide + 2 && y >= top && y <= top + high);
    if (hit) return { call: hit[4], text: told(hit[4]) };
  }
  const ms = msOf(x, canvas.clientWidth), lasting = data.faults.filter((fault) => ms >= fault.begins_ms && ms <= fault.ends_ms);
  const texts = lasting.map((fault) => `${fault.name}: ${fault.what}\n${(fault.begins_ms / 1000).toFixed(2)} to ${(fault.ends_ms / 1000).toFixed(2)} s${fault.ended ? `, then ${fault.ended}` : ""}`);
  if (canvas.id === "rates" && ms >= 0 && ms <= data.last_ms) {
    const { ok, fail, info, bucket_ms } = data.series, part = Math.floor(ms / bucket_ms);
    texts.unshift(`${(part * bucket_ms / 1000).toFixed(2)} s: ok ${ok[part].toFixed(1)}/s, fail ${fail[part].toFixed(1)}/s, info ${info[part].toFixed(1)}/s`);
  }
  return { call: -1, text: texts.join("\n") };
}

function show(text, event) {
  tip.hidden = text === "";
  tip.textContent = text;
  tip.style.left = `${Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8)}px`;
  tip.style.top = `${Math.min(event.clientY + 16, innerHeight - tip.offsetHeight - 8)}px`;
}

for (const canvas of document.querySelectorAll("canvas")) {
  let from = null;
  const msAt = (event) => msOf(event.clientX - canvas.getBoundingClientRect().left, canvas.clientWidth);
  canvas.addEventListener("pointerdown", (event) => { from = { x: event.clientX, ms: msAt(event) }; canvas.setPointerCapture(event.pointerId); });
  canvas.addEventListener("pointermove", (event) => {
    if (from && Math.abs(event.clientX - from.x) > 4) {
      show(`${(Math.min(from.ms, msAt(event)) / 1000).toFixed(2)} to ${(Math.max(from.ms, msAt(event)) / 1000).toFixed(2)} s`, event);
    } else show(met(canvas, event).text, event);
  });
  canvas.addEventListener("pointerup", (event) => {
    if (from === null) return;
    const to = msAt(event);
    if (Math.abs(event.clientX - from.x) > 4) look(Math.min(from.ms, to), Math.max(from.ms, to));
    else view.chosen = met(canvas, event).call;
    from = null;
    refresh();
  });
  canvas.addEventListener("pointerleave", () => { tip.hidden = true; });
  canvas.addEventListener("dblclick", () => { ZOOMS.all(); refresh(); });
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && Math.abs(event.deltaX) <= Math.abs(event.deltaY)) return;   // the page scrolls
    event.preventDefault();
    if (event.ctrlKey) closer(event.deltaY > 0 ? 1.25 : 0.8, msAt(event)); else pan(Math.sign(event.deltaX) * 0.05);
    refresh();
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    const act = KEYS[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
    refresh();
  });
}

document.getElementById("listed").addEventListener("toggle", list);
window.addEventListener("hashchange", follow);
window.addEventListener("resize", drawAll);
// What a canvas shows was drawn before the rules for print hold: paper is white whatever the screen is.
for (const [event, isPaper] of [["beforeprint", true], ["afterprint", false]]) {
  window.addEventListener(event, () => { document.documentElement.classList.toggle("paper", isPaper); drawAll(); });
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
refresh();
follow();
