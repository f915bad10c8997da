"use strict";
// The three plots. Each is a function of `view` alone, so that a change of view is one call of `drawAll`.
const LEFT = 92, RIGHT = 10, BOTTOM = 20, STRIP = 16;
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const xOf = (ms, wide) => LEFT + (ms - view.from) / (view.to - view.from) * (wide - LEFT - RIGHT);
const msOf = (x, wide) => view.from + (x - LEFT) / (wide - LEFT - RIGHT) * (view.to - view.from);
const boxes = [];      // what the pointer may meet in the timeline: [x, y, width, height, place]

function begin(name, high) {
  const canvas = document.getElementById(name), wide = canvas.clientWidth, ratio = window.devicePixelRatio || 1;
  if (high) canvas.style.height = `${high}px`;
  const tall = canvas.clientHeight;
  canvas.width = wide * ratio;
  canvas.height = tall * ratio;
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  pen.font = "11px system-ui, sans-serif";
  pen.fillStyle = colour("page");
  pen.fillRect(0, 0, wide, tall);
  return { pen, wide, tall };
}

function step(span, most) {
  const raw = span / most, ten = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 5, 10].map((factor) => factor * ten).find((width) => width >= raw);
}

function axis({ pen, wide, tall }) {
  const each = step(view.to - view.from, Math.max(2, wide / 110)), digits = Math.max(0, Math.ceil(-Math.log10(each / 1000)));
  pen.strokeStyle = colour("line");
  pen.fillStyle = colour("quiet");
  pen.textAlign = "center";
  for (let ms = Math.ceil(view.from / each) * each; ms <= view.to; ms += each) {
    const x = Math.round(xOf(ms, wide)) + 0.5;
    pen.beginPath(); pen.moveTo(x, 0); pen.lineTo(x, tall - BOTTOM); pen.stroke();
    pen.fillText(`${(ms / 1000).toFixed(digits)} s`, x, tall - 6);
  }
  pen.textAlign = "left";
}

function inside({ pen, wide, tall }, paint) {
  pen.save();
  pen.beginPath(); pen.rect(LEFT, 0, wide - LEFT - RIGHT, tall - BOTTOM); pen.clip();
  paint();
  pen.restore();
}

function bands({ pen, wide, tall }, named) {
  let free = -Infinity, row = 0;
  for (const fault of data.faults) {
    const x = xOf(fault.begins_ms, wide), width = Math.max(2, xOf(fault.ends_ms, wide) - x);
    if (x > wide || x + width < LEFT) continue;
    pen.globalAlpha = 0.3; pen.fillStyle = colour("band"); pen.fillRect(x, 0, width, tall - BOTTOM); pen.globalAlpha = 1;
    if (!named) continue;
    row = Math.max(x, LEFT) < free ? 1 - row : 0;
    pen.fillStyle = colour("ink"); pen.fillText(fault.name, Math.max(x, LEFT) + 3, 12 + row * 12);
    free = Math.max(x, LEFT) + pen.measureText(fault.name).width + 8;
  }
}

function drawTimeline() {
  const row = 18, top = STRIP + 24, high = top + data.lanes.length * row + BOTTOM + 4;
  const plot = begin("timeline", Math.max(high, 90)), { pen, wide } = plot;
  boxes.length = 0;
  pen.fillStyle = colour("quiet");
  data.lanes.forEach((lane, at) => pen.fillText(lane, 4, top + at * row + 12));
  inside(plot, () => bands(plot, true));
  axis(plot);
  inside(plot, () => {
    const ink = KINDS.map(colour), dim = view.marked.size > 0;
    for (let at = 0; at < calls.line.length; at++) {
      if (calls.begin[at] > view.to) break;
      if (!isShown(at)) continue;
      const x = xOf(calls.begin[at], wide), width = Math.max(1.5, xOf(endOf(at), wide) - x);
      if (x + width < LEFT) continue;
      const kind = calls.kind[at], y = top + calls.lane[at] * row;
      pen.globalAlpha = dim && !view.marked.has(at) ? 0.25 : 1;
      if (kind === 2) {          // what never ended well is hollow, what failed half as high: not by colour alone
        pen.strokeStyle = ink[2]; pen.strokeRect(x + 0.5, y + 0.5, Math.max(1, width - 1), 12);
      } else {
        pen.fillStyle = ink[kind]; pen.fillRect(x, kind === 1 ? y + 6 : y, width, kind === 1 ? 7 : 13);
      }
      boxes.push([x, y, width, 13, at]);
    }
    pen.globalAlpha = 1;
    marks(plot, top, row);
  });
}

function marks({ pen, wide, tall }, top, row) {
  pen.fillStyle = pen.strokeStyle = colour("mark");
  for (const at of wrong) {      // a triangle over each call that a problem points at
    if (!isShown(at)) continue;
    const x = xOf(calls.begin[at], wide);
    pen.beginPath(); pen.moveTo(x - 4, 26); pen.lineTo(x + 4, 26); pen.lineTo(x, 34); pen.fill();
  }
  pen.lineWidth = 2;
  for (const at of new Set([...view.marked, view.chosen])) {
    if (at < 0 || !isShown(at)) continue;
    const x = xOf(calls.begin[at], wide), width = Math.max(3, xOf(endOf(at), wide) - x);
    pen.strokeRect(x - 2, top + calls.lane[at] * row - 2, width + 4, 17);
  }
  pen.lineWidth = 1;
}

function logAxis({ pen, wide, tall }, low, high) {
  const yOf = (ms) => (tall - BOTTOM) * (1 - (Math.log10(Math.max(ms, low)) - Math.log10(low)) / (Math.log10(high) - Math.log10(low)));
  pen.fillStyle = colour("quiet"); pen.strokeStyle = colour("line");
  for (let ms = low; ms <= high; ms *= 10) {
    pen.fillText(ms >= 1000 ? `${ms / 1000} s` : `${ms} ms`, 4, Math.min(Math.max(yOf(ms) + 4, 10), tall - BOTTOM));
    pen.beginPath(); pen.moveTo(LEFT, yOf(ms)); pen.lineTo(wide - RIGHT, yOf(ms)); pen.stroke();
  }
  return yOf;
}

function drawLatency() {
  const plot = begin("latency"), { pen, wide } = plot, highest = calls.took.reduce((most, took) => Math.max(most, took || 0), 10);
  const yOf = logAxis(plot, 0.1, 10 ** Math.ceil(Math.log10(highest)));
  inside(plot, () => bands(plot, false));
  axis(plot);
  inside(plot, () => {
    const ink = KINDS.map(colour);
    for (let at = 0; at < calls.line.length; at++) {
      if (calls.took[at] === null || !isShown(at)) continue;
      const x = xOf(calls.begin[at] + calls.took[at], wide);
      if (x < LEFT || x > wide) continue;
      const y = yOf(calls.took[at]), kind = calls.kind[at];
      pen.globalAlpha = kind === 0 ? 0.45 : 0.9;
      pen.fillStyle = pen.strokeStyle = ink[kind];
      if (kind === 0) pen.fillRect(x - 1, y - 1, 2, 2);
      else if (kind === 1) { pen.beginPath(); pen.moveTo(x - 3, y - 3); pen.lineTo(x + 3, y + 3); pen.moveTo(x + 3, y - 3); pen.lineTo(x - 3, y + 3); pen.stroke(); }
      else { pen.beginPath(); pen.moveTo(x, y - 4); pen.lineTo(x + 4, y + 3); pen.lineTo(x - 4, y + 3); pen.fill(); }
    }
    pen.globalAlpha = 1;
  });
  inside(plot, () => data.series.quantiles_ms.forEach((line, number) => {
    pen.strokeStyle = colour("ink"); pen.lineWidth = 1.5; pen.setLineDash([[], [6, 3], [2, 3]][number]);
    path(pen, line.map((ms, at) => (ms === null ? null : [xOf((at + 0.5) * data.series.bucket_ms, wide), yOf(ms)])));
    pen.setLineDash([]); pen.lineWidth = 1;
  }));
  pen.fillStyle = colour("ink");
  pen.fillText("— p50   - - p95   ··· p99", wide - 150, 12);
}

function path(pen, points) {
  let down = false;
  pen.beginPath();
  for (const point of points) {
    if (point === null) down = false;
    else if (down) pen.lineTo(...point);
    else { pen.moveTo(...point); down = true; }
  }
  pen.stroke();
}

function drawRates() {
  const plot = begin("rates"), { pen, wide, tall } = plot, { ok, fail, info, bucket_ms } = data.series;
  const most = Math.max(...ok.map((_, at) => ok[at] + fail[at] + info[at]), 1), ground = tall - BOTTOM;
  const each = step(most, 3);
  pen.fillStyle = colour("quiet");
  for (let rate = 0; rate <= most; rate += each) pen.fillText(`${rate}/s`, 4, Math.max(ground - rate / most * (ground - 8), 10));
  inside(plot, () => bands(plot, false));
  axis(plot);
  inside(plot, () => ok.forEach((_, at) => {
    const x = xOf(at * bucket_ms, wide), width = Math.max(1, xOf((at + 1) * bucket_ms, wide) - x - 1);
    let y = ground;
    [ok, fail, info].forEach((rates, kind) => {
      const high = rates[at] / most * (ground - 8);
      y -= high;
      pen.fillStyle = colour(KINDS[kind]); pen.fillRect(x, y, width, high);
    });
  }));
}

function drawAll() { drawTimeline(); drawLatency(); drawRates(); }
