"use strict";
// What is in view: which stretch of time, which calls, and which of them are chosen. Draws nothing.
const data = JSON.parse(document.getElementById("data").textContent);
const calls = data.calls;
const KINDS = ["ok", "fail", "info"];
const SHORTEST_MS = 5;

const view = {
  from: 0,
  to: Math.max(data.last_ms, 1),
  chosen: -1,          // a place in the columns, or -1
  marked: new Set(),   // the places that the chosen problem points at
  key: "", lane: "", what: "", kinds: new Set(KINDS),
};
const wrong = new Set(data.problems.flat());

function endOf(at) { return calls.took[at] === null ? data.last_ms : calls.begin[at] + calls.took[at]; }

function isShown(at) {
  return view.kinds.has(KINDS[calls.kind[at]])
    && (view.key === "" || calls.key[at] === +view.key)
    && (view.lane === "" || calls.lane[at] === +view.lane)
    && (view.what === "" || calls.what[at] === +view.what);
}

function look(from, to) {
  const whole = Math.max(data.last_ms, 1), wide = Math.min(Math.max(to - from, SHORTEST_MS), whole);
  view.from = Math.min(Math.max(0, from), whole - wide);
  view.to = view.from + wide;
}

function closer(factor, at) {
  const middle = at === undefined ? (view.from + view.to) / 2 : at;
  look(middle - (middle - view.from) * factor, middle + (view.to - middle) * factor);
}

// Bring some calls into view with room around them; a filter that hides one of them is lifted.
function lookAt(places) {
  if (places.length === 0) return;
  const from = Math.min(...places.map((at) => calls.begin[at])), to = Math.max(...places.map(endOf));
  const around = Math.max((to - from) * 0.15, 250);
  look(from - around, to + around);
  if (!places.every(isShown)) Object.assign(view, { key: "", lane: "", what: "", kinds: new Set(KINDS) });
}

function ofLine(line) { return calls.line.findIndex((begin, at) => begin === line || calls.end_line[at] === line); }

function told(at) {
  const took = calls.took[at] === null ? "never ended" : `${calls.took[at].toFixed(1)} ms`;
  const lines = calls.end_line[at] ? `lines ${calls.line[at]} and ${calls.end_line[at]}` : `line ${calls.line[at]}`;
  const error = calls.error[at] ? `: ${calls.error[at]}` : "";
  return `${data.whats[calls.what[at]]} ${data.keys[calls.key[at]]} ${calls.value[at]} → ${KINDS[calls.kind[at]]}${error}\n`
    + `${(calls.begin[at] / 1000).toFixed(3)} s, ${took}, ${data.lanes[calls.lane[at]]} (process ${calls.process[at]}), ${lines}`;
}
