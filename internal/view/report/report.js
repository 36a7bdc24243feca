"use strict";
(() => {
const data = JSON.parse(document.getElementById("data").textContent);

// Charts. Their colours are the page's, so they are drawn again when those
// change: by the system's, and for paper.
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const axis = (more) => ({ stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 }, ...more });
const clock = (t) => new Date(t * 1000).toISOString();
const times = (u, at) => at.map((t, i) => clock(t).slice(11, u.scales.x.max - u.scales.x.min > 7200 ? 16 : 19) + (i === 0 || clock(t).slice(0, 10) !== clock(at[i - 1]).slice(0, 10) ? "\n" + clock(t).slice(0, 10) : ""));
// No finer than what a label says, or labels would be said twice.
const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800];
const wide = (box) => Math.max(260, box.clientWidth);

function pace(box, of, apply) {
  const xs = [], ys = [], limit = [];
  apply.sent.forEach((n, i) => {
    xs.push(apply.start + i * apply.wide);
    ys.push(n / apply.wide);
    limit.push(of.limit > 0 ? of.limit : null);
  });
  xs.push(apply.start + apply.sent.length * apply.wide);
  ys.push(null);
  limit.push(of.limit > 0 ? of.limit : null);
  const bands = (u, spans, fill) => {
    u.ctx.fillStyle = fill;
    for (const [from, to] of spans) {
      const a = u.valToPos(from, "x", true), b = u.valToPos(to, "x", true);
      u.ctx.fillRect(a, u.bbox.top, Math.max(1, b - a), u.bbox.height);
    }
  };
  const waits = colour("--wait"), slow = colour("--slow");
  return new uPlot({
    width: wide(box), height: 220,
    tzDate: (ts) => uPlot.tzDate(new Date(ts * 1000), "Etc/UTC"),
    scales: { y: { range: (_, min, max) => [0, Math.max(max, of.limit || 0, 1) * 1.1] } },
    axes: [axis({ values: times, incrs: steps, space: 90 }), axis({ size: 60 })],
    series: [
      { label: "from (UTC)", value: (_, v) => v == null ? "" : clock(v).slice(0, 19).replace("T", " ") },
      { label: "requests/s", stroke: colour("--one"), fill: colour("--one") + "33", width: 1.5, paths: uPlot.paths.stepped({ align: 1 }), points: { show: false } },
      { label: "limit", stroke: colour("--two"), width: 1.5, dash: [6, 4], points: { show: false }, show: of.limit > 0 },
    ],
    hooks: { drawClear: [(u) => { bands(u, apply.slowed, slow); bands(u, apply.waits, waits); }] },
  }, [xs, ys, limit], box);
}

function latency(box, of) {
  const verbs = Object.keys(of.latencies).sort();
  const labels = data.bounds.map((b) => "≤" + b).concat(["longer"]);
  let first = labels.length, last = 0;
  for (const v of verbs) of.latencies[v].forEach((n, i) => { if (n > 0) { first = Math.min(first, i); last = Math.max(last, i); } });
  first = Math.max(0, first - 1);
  last = Math.min(labels.length - 1, last + 1);
  const xs = [];
  for (let i = first; i <= last; i++) xs.push(i);
  const share = 0.8 / verbs.length;
  const strokes = ["--one", "--two", "--three"].map(colour);
  return new uPlot({
    width: wide(box), height: 220,
    scales: { x: { time: false, range: [first - 0.6, last + 0.6] }, y: { range: (_, min, max) => [0, Math.max(max, 1) * 1.1] } },
    axes: [axis({ splits: () => xs, values: (_, at) => at.map((i) => labels[i] ?? ""), space: 10, rotate: wide(box) < 600 ? -60 : 0, size: wide(box) < 600 ? 60 : 40 }), axis({ size: 60 })],
    series: [{ label: "took", value: (_, v) => v == null ? "" : labels[v] ?? "" }].concat(verbs.map((v, i) => ({
      label: v, stroke: strokes[i % 3], fill: strokes[i % 3] + (i % 2 ? "55" : "aa"), width: 1, points: { show: false },
      paths: uPlot.paths.bars({ size: [share, 100], align: verbs.length === 1 ? 0 : verbs.length === 2 ? (i ? 1 : -1) : i - 1 }),
    }))),
  }, [xs].concat(verbs.map((v) => xs.map((i) => of.latencies[v][i]))), box);
}

const boxes = [...document.querySelectorAll(".chart")];
let charts = [];
function draw() {
  charts.forEach((c) => c.destroy());
  charts = boxes.map((box) => {
    const of = data.paces[box.dataset.pace];
    return "apply" in box.dataset ? pace(box, of, of.applies[box.dataset.apply]) : latency(box, of);
  });
}
draw();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
matchMedia("print").addEventListener("change", draw);
let width = innerWidth, later;
addEventListener("resize", () => {
  if (innerWidth === width) return;
  width = innerWidth;
  clearTimeout(later);
  later = setTimeout(draw, 100);
});

// The table of items. Everything becomes text through textContent.
const most = 200;
const rows = document.getElementById("rows"), search = document.getElementById("search"), state = document.getElementById("state");
const before = document.getElementById("before"), after = document.getElementById("after"), shown = document.getElementById("shown");
const states = [...new Set(data.items.map((it) => it[2]))].sort((a, b) => a - b);
for (const s of states) state.add(new Option(data.words[s], s));
let hits = data.items, at = 0;

function choose() {
  const words = search.value.toLowerCase().split(/\s+/).filter((w) => w);
  const only = state.value === "" ? -1 : Number(state.value);
  const reasons = words.map((w) => data.reasons.map((r) => r.toLowerCase().includes(w)));
  hits = data.items.filter((it) => (only < 0 || it[2] === only) && words.every((w, i) =>
    it[1].toLowerCase().includes(w) || reasons[i][it[4]] || it[3].toLowerCase().includes(w) || it[8].toLowerCase().includes(w) || data.operations[it[0]].includes(w)));
  at = 0;
  list();
}

function list() {
  const page = document.createDocumentFragment();
  for (const it of hits.slice(at, at + most)) {
    const tr = document.createElement("tr");
    const cells = [[it[1], "text"], [data.words[it[2]], ""], [it[3], "n"], [data.reasons[it[4]], "text"], [it[5], "n"], [it[6], "n"], [it[7], ""], [it[8], "text"], [data.operations[it[0]], ""]];
    for (const [text, kind] of cells) {
      const td = document.createElement("td");
      td.textContent = text;
      td.className = kind;
      tr.append(td);
    }
    page.append(tr);
  }
  rows.replaceChildren(page);
  const n = (v) => v.toLocaleString("en");
  shown.textContent = hits.length === 0 ? "none" : n(at + 1) + " to " + n(Math.min(at + most, hits.length)) + " of " + n(hits.length);
  before.disabled = at === 0;
  after.disabled = at + most >= hits.length;
}

search.form.addEventListener("submit", (e) => e.preventDefault());
search.addEventListener("input", choose);
state.addEventListener("change", choose);
before.addEventListener("click", () => { at = Math.max(0, at - most); list(); });
after.addEventListener("click", () => { at += most; list(); });
list();
})();
