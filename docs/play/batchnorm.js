"use strict";

/* The figure of batchnorm.html: what batchnorm_math.js computes, drawn as four panels over six columns and a table. */

const START = { x: [-1.6, -0.4, 0.5, 1.1, 2.6, -0.8], dy: [0.8, -0.4, 1.2, 0.3, -0.9, 1.4], gamma: 1, eps: 1e-5 };
const EPSILONS = [1e-5, 1e-4, 1e-3, 0.01, 0.03, 0.1, 0.3, 1, 3]; // in units of x squared
const STEP = 0.1;

const root = document.getElementById("batchnorm");
const panels = {}; // name -> { svg, drawing }
const handles = { x: [], dy: [] };
let state = START;
let held = null; // { name, m, before }: the handle that has the focus, and the state when it was taken

/** Everything that the panels and the table show. */
function compute() {
  const { x, dy, gamma, eps } = state;
  const forward = batchNorm(x, gamma, eps);
  const backward = batchNormGradient(x, dy, gamma, eps);
  const ticked = Object.keys(TERMS).filter((name) => root.querySelector(`input[name=${name}]`).checked);
  const dx = x.map((_, m) => sumOf(ticked.map((name) => backward.terms[name][m])));
  return { ...state, ...forward, ...backward, ticked, dx, nudged: nudgedGradient(x, dy, gamma, eps), held };
}

/** The y at the time when an x was taken, if one is held. */
function yBefore({ held, gamma, eps }) {
  return held?.name === "x" ? batchNorm(held.before.x, gamma, eps).y : null;
}

/* Showing. */

/** Left edge of the columns, their width and the right edge, in px: the table has the same. */
function layout() {
  const width = root.clientWidth;
  const left = width < 560 ? 58 : 84;
  const right = width < 560 ? 40 : 64;
  return { width, left, right, column: (width - left - right) / START.x.length };
}

function sayVerdict(now) {
  const paragraph = root.querySelector("[data-says=verdict]");
  const [text, code] = verdict(now);
  if (paragraph.textContent === text + (code && `${code}.`)) return; // a screen reader reads what changes
  paragraph.textContent = text;
  if (code) paragraph.append(Object.assign(document.createElement("code"), { textContent: code }), ".");
}

/* The table: a row a quantity, a column a number, at the end their sum. */

const ROWS = [
  ["x", "x", (now) => now.x, ""],
  ["x_hat", "x̂", (now) => now.xHat, "sum"],
  ["y", "y", (now) => now.y, ""],
  ["dy", "dy", (now) => now.dy, "sum"],
  ["dy_x_hat", "dy x̂", (now) => now.dy.map((value, m) => value * now.xHat[m]), "sum"],
  ["straight", "straight", (now) => now.terms.straight, "sum"],
  ["mean", "mean", (now) => now.terms.mean, "sum"],
  ["variance", "variance", (now) => now.terms.variance, "sum"],
  ["dx", "dx", (now) => now.dx, "sum"],
  ["nudged", "measured", (now) => now.nudged, "sum"],
  ["dx_x_hat", "dx x̂", (now) => now.dx.map((value, m) => value * now.xHat[m]), "sum"],
];

function buildTable() {
  const table = root.querySelector("table");
  const heads = ["", ...START.x.map((_, m) => m), "sum"].map((text) => `<th scope="col">${text}</th>`);
  table.tHead.innerHTML = `<tr>${heads.join("")}</tr>`;
  for (const [row, label] of ROWS) {
    const tr = table.tBodies[0].insertRow();
    tr.dataset.row = row;
    if (row in TERMS) tr.classList.add(`play-${TERMS[row]}`);
    if (row === "straight" || row === "dx") tr.classList.add("rule");
    tr.innerHTML = `<th scope="row">${label}</th>${"<td></td>".repeat(START.x.length + 1)}`;
  }
}

function fillTable(now) {
  for (const [row, , values, sum] of ROWS) {
    const cells = [...root.querySelectorAll(`[data-row=${row}] td`)];
    const numbers = values(now);
    cells.forEach((td, m) => {
      td.textContent = m < numbers.length ? shown(numbers[m]) : sum && shown(sumOf(numbers));
    });
  }
}

/* Everything at once. */

function show() {
  const now = compute();
  const place = layout();
  place.middle = (m) => place.left + (m + 0.5) * place.column;
  const drawings = { x: drawX, y: drawY, dy: drawDy, dx: drawDx };
  for (const [name, { svg, drawing }] of Object.entries(panels)) {
    svg.setAttribute("height", HEIGHT[name]);
    drawing.replaceChildren(...drawings[name](now, place));
  }
  for (const name of ["x", "dy"]) handles[name].forEach((handle, m) => placeHandle(handle, name, m, place));
  const columns = root.querySelectorAll("thead th");
  columns[0].style.width = `${place.left}px`;
  columns[columns.length - 1].style.width = `${place.right}px`;
  const outputs = { mean: now.mean, std: now.std, scale: now.scale, gamma: now.gamma };
  for (const [name, value] of Object.entries(outputs)) root.querySelector(`output[name=${name}]`).value = shown(value);
  root.querySelector("output[name=eps]").value = String(now.eps);
  fillTable(now);
  root.querySelector("[data-says=moved]").textContent = movedSentence(now);
  sayVerdict(now);
}

/** Show other numbers: any of x, dy (six each), gamma and eps. */
function setNumbers(numbers) {
  state = { ...state, ...numbers };
  root.querySelector("input[name=gamma]").value = state.gamma;
  if (EPSILONS.includes(state.eps)) root.querySelector("input[name=eps]").value = EPSILONS.indexOf(state.eps);
  show();
}

/* Handles: sliders that stand upright, for the mouse, fingers, keys and screen readers. */

function makeHandle(name, m) {
  const attributes = { class: "handle", tabindex: 0, role: "slider", "aria-orientation": "vertical" };
  const handle = draw("g", { ...attributes, "aria-valuemin": -REACH[name], "aria-valuemax": REACH[name] });
  handle.setAttribute("aria-label", `${name} ${m}`);
  handle.append(circle(0, 0, 22, "grip"), circle(0, 0, 8, "knob"));
  if (name === "dy") handle.style.setProperty("--knob", "var(--blue)");
  const hold = () => (held = { name, m, before: state });
  const under = (event) => fixedScale(name).value(event.clientY - panels[name].svg.getBoundingClientRect().top);
  let beside = 0; // how far from its middle the handle was taken
  handle.addEventListener("focus", () => (hold(), show()));
  handle.addEventListener("blur", () => ((held = null), show()));
  handle.addEventListener("pointerdown", (event) => {
    handle.focus();
    hold();
    beside = under(event) - state[name][m];
    handle.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  const keepPage = (event) => event.preventDefault(); // a finger on a handle does not scroll
  handle.addEventListener("touchstart", keepPage, { passive: false });
  handle.addEventListener("pointermove", (event) => {
    if (handle.hasPointerCapture(event.pointerId)) moveTo(name, m, under(event) - beside);
  });
  handle.addEventListener("keydown", (event) => onKey(event, name, m));
  return handle;
}

function placeHandle(handle, name, m, place) {
  const value = state[name][m];
  handle.setAttribute("transform", `translate(${place.middle(m)} ${fixedScale(name).at(value)})`);
  handle.setAttribute("aria-valuenow", value);
  handle.setAttribute("aria-valuetext", shown(value));
}

/** Give one number another value: in tenths, and no further than the panel goes. */
function moveTo(name, m, value) {
  const kept = Math.max(-REACH[name], Math.min(REACH[name], Math.round(value / STEP) * STEP));
  setNumbers({ [name]: state[name].map((old, k) => (k === m ? Number(kept.toFixed(1)) : old)) });
}

function onKey(event, name, m) {
  const by = { ArrowUp: STEP, ArrowRight: STEP, ArrowDown: -STEP, ArrowLeft: -STEP, PageUp: 1, PageDown: -1 };
  const to = { Home: -REACH[name], End: REACH[name] };
  if (!(event.key in by) && !(event.key in to)) return;
  moveTo(name, m, event.key in to ? to[event.key] : state[name][m] + by[event.key]);
  event.preventDefault();
}

const randomTenths = (reach) => START.x.map(() => Math.round((2 * Math.random() - 1) * reach * 10) / 10);

const CHOICES = {
  alike: () => ({ dy: START.dy.map(() => 1) }),
  along: () => ({ dy: batchNorm(state.x, 1, state.eps).xHat }),
  one: () => ({ dy: START.dy.map((_, m) => (m === 4 ? 1 : 0)) }),
  random: () => ({ x: randomTenths(3), dy: randomTenths(2) }),
  start: () => START,
};

for (const figure of root.querySelectorAll("figure")) {
  const name = figure.dataset.panel;
  const svg = draw("svg", { role: "group", "aria-label": name });
  const drawing = draw("g", { "aria-hidden": true });
  svg.append(drawing);
  figure.append(svg);
  panels[name] = { svg, drawing };
  if (name in handles) {
    handles[name] = START[name].map((_, m) => makeHandle(name, m));
    svg.append(...handles[name]);
  }
}
buildTable();
for (const [name, numbers] of Object.entries(CHOICES)) {
  root.querySelector(`[data-set=${name}]`).addEventListener("click", () => setNumbers(numbers()));
}
for (const name of Object.keys(TERMS)) root.querySelector(`input[name=${name}]`).addEventListener("change", show);
const onInput = (name, numbers) => {
  const slider = root.querySelector(`input[name=${name}]`);
  slider.addEventListener("input", () => setNumbers(numbers(slider.value)));
};
onInput("gamma", (value) => ({ gamma: Number(value) }));
onInput("eps", (value) => ({ eps: EPSILONS[value] }));
show();
new ResizeObserver(show).observe(root);
