"use strict";

/* The figure of batchnorm.html: what batchnorm_math.js computes, drawn as four panels over six columns and a table. */

const START = { x: [-1.6, -0.4, 0.5, 1.1, 2.6, -0.8], dy: [0.8, -0.4, 1.2, 0.3, -0.9, 1.4], gamma: 1, eps: 1e-5 };
const EPSILONS = [1e-5, 1e-4, 1e-3, 0.01, 0.03, 0.1, 0.3, 1, 3]; // in units of x squared
const REACH = { x: 4, dy: 2.5 }; // how far a number can be dragged from 0
const STEP = 0.1;
const HEIGHT = { x: 170, y: 110, dy: 120, dx: 190 }; // px
const MARGIN = 8; // px above and below what a panel shows
const TERMS = { straight: "blue", mean: "orange", variance: "green" };
const SVG = "http://www.w3.org/2000/svg";

const root = document.getElementById("batchnorm");
const panels = {}; // name -> { svg, drawing }
const handles = { x: [], dy: [] };
let state = { ...START };
let held = null; // { name, m, before }: the handle that has the focus, and the state when it was taken

/** A number as it is shown: two decimals, fewer of large ones, a real minus. */
function shown(value) {
  const decimals = Math.abs(value) < 9.995 ? 2 : Math.abs(value) < 99.95 ? 1 : 0;
  const text = value.toFixed(decimals);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
}

/* Computing: everything the panels and the table show. */

function compute() {
  const { x, dy, gamma, eps } = state;
  const forward = batchNorm(x, gamma, eps);
  const backward = batchNormGradient(x, dy, gamma, eps);
  const ticked = Object.keys(TERMS).filter((name) => root.querySelector(`input[name=${name}]`).checked);
  const dx = x.map((_, m) => sumOf(ticked.map((name) => backward.terms[name][m])));
  return { ...state, ...forward, ...backward, ticked, dx, nudged: nudgedGradient(x, dy, gamma, eps) };
}

/* Drawing. Panels map a value to a height, and m to the middle of its column. */

function draw(tag, attributes, text = "") {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.textContent = text;
  return made;
}

const line = (x1, y1, x2, y2, kind) => draw("line", { x1, y1, x2, y2, class: kind });
const circle = (cx, cy, r, kind) => draw("circle", { cx, cy, r, class: kind });

/** Left edge of the columns, their width and the right edge, in px: the table has the same. */
function layout() {
  const width = root.clientWidth;
  const left = width < 560 ? 58 : 84;
  const right = width < 560 ? 40 : 64;
  return { width, left, right, column: (width - left - right) / START.x.length };
}

/** The next round number that is at least `value`. */
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * [1, 1.5, 2, 3, 5, 10].find((factor) => factor * power >= value);
}

/** A scale from -reach (bottom) to reach (top) of a panel. */
function scaleOf(name, reach) {
  const half = HEIGHT[name] / 2;
  const unit = (half - MARGIN) / reach;
  return { reach, unit, at: (value) => half - value * unit, value: (height) => (half - height) / unit };
}

const fixedScale = (name) => scaleOf(name, REACH[name]);

/** Zero line, tick labels and the column of the handle that is held. */
function frame({ left, right, width, column }, scale, height) {
  const marks = held ? [draw("rect", { x: left + held.m * column, y: 0, width: column, height, class: "column" })] : [];
  marks.push(line(left, scale.at(0), width - right, scale.at(0), "axis"));
  for (const value of [-scale.reach, 0, scale.reach]) {
    const label = draw("text", { x: left - 8, y: scale.at(value) + 4, "text-anchor": "end" });
    label.textContent = String(Number(value.toPrecision(3))).replace("-", "−");
    marks.push(label);
  }
  return marks;
}

function drawX(now, place) {
  const scale = fixedScale("x");
  const { left, right, width } = place;
  const [top, middle, bottom] = [now.mean + now.std, now.mean, now.mean - now.std].map(scale.at);
  const marks = frame(place, scale, HEIGHT.x);
  marks.push(draw("rect", { x: left, y: top, width: width - left - right, height: bottom - top, class: "band" }));
  marks.push(line(left, middle, width - right, middle, "orange"));
  const label = (text, height, kind) => draw("text", { x: width - right + 6, y: height + 4, class: kind }, text);
  marks.push(label("mean", middle, "orange"));
  if (middle - top > 12) marks.push(label("+ std", top, "green"), label("− std", bottom, "green"));
  now.x.forEach((value, m) => {
    marks.push(line(place.middle(m), middle, place.middle(m), scale.at(value), "stem"));
  });
  return marks;
}

function drawY(now, place) {
  const scale = scaleOf("y", 2.5 * Math.max(1, Math.abs(now.gamma)));
  const marks = frame(place, scale, HEIGHT.y);
  const before = held && held.name === "x" ? batchNorm(held.before.x, now.gamma, now.eps).y : now.y;
  now.y.forEach((value, m) => {
    const x = place.middle(m);
    if (before[m] !== value) {
      marks.push(line(x, scale.at(before[m]), x, scale.at(value), "stem"), circle(x, scale.at(before[m]), 5, "ghost"));
    }
    marks.push(circle(x, scale.at(value), 5, "dot"));
  });
  return marks;
}

function bar(x, width, from, to, colour) {
  const height = Math.max(1, Math.abs(to - from));
  return draw("rect", { x, y: Math.min(from, to), width, height, class: `bar ${colour}` });
}

function drawDy(now, place) {
  const scale = fixedScale("dy");
  const width = Math.min(14, place.column / 5);
  const bars = now.dy.map((value, m) => bar(place.middle(m) - width / 2, width, scale.at(0), scale.at(value), "blue"));
  return [...frame(place, scale, HEIGHT.dy), ...bars];
}

/** The ticked terms of one column, each from where the last one ended, then the sum in its ring. */
function steps(now, m, scale, place) {
  const width = Math.min(14, place.column / 5);
  const marks = [];
  let x = place.middle(m) - 2 * width - 2;
  let height = scale.at(0);
  let sum = 0;
  for (const name of now.ticked) {
    sum += now.terms[name][m];
    marks.push(bar(x, width, height, scale.at(sum), TERMS[name]));
    height = scale.at(sum);
    x += width + 2;
    marks.push(line(x - 2, height, x, height, "stem"));
  }
  const middle = place.middle(m) + 1.6 * width;
  return [...marks, circle(middle, height, 3.5, "dot"), circle(middle, scale.at(now.nudged[m]), 6.5, "ring")];
}

function drawDx(now, place) {
  const partial = (m) => {
    const ends = now.ticked.map((_, k) => sumOf(now.ticked.slice(0, k + 1).map((name) => now.terms[name][m])));
    return Math.max(...[...ends, now.nudged[m]].map(Math.abs));
  };
  const scale = scaleOf("dx", roundUp(Math.max(0.5, ...now.x.map((_, m) => partial(m)))));
  return [...frame(place, scale, HEIGHT.dx), ...now.x.flatMap((_, m) => steps(now, m, scale, place))];
}

/* Saying. */

/** What is wrong without some terms, and the gradient checker's name for it. */
const MISTAKES = {
  mean: {
    code: "mean-term-missing",
    why: (sums) => `Σ dx = ${sums.dx}: it asks to shift the whole batch, and that would change no y.`,
  },
  variance: {
    code: "variance-term-missing",
    why: (sums) => `Σ dx x̂ = ${sums.along}: it asks to stretch the batch about its mean, and that would change no y (but for ε).`,
  },
  "mean variance": {
    code: "statistics-held-constant",
    why: () => "Each x hears from its own y alone, as if mean and variance were given: right in evaluation, wrong in training.",
  },
  other: { code: "term-missing", why: () => "Without the straight term, what is left corrects nothing." },
};

/** What the panel dx shows, in a sentence or two: [text, the checker's code or ""]. */
function verdict(now) {
  const missing = Object.keys(TERMS).filter((name) => !now.ticked.includes(name));
  const miss = Math.max(...now.dx.map((value, m) => Math.abs(value - now.nudged[m])));
  const sums = { dx: shown(sumOf(now.dx)), along: shown(sumOf(now.dx.map((value, m) => value * now.xHat[m]))) };
  if (!missing.length) {
    return [`Each dot sits in its ring: the three terms are the whole gradient. Σ dx = ${sums.dx}, Σ dx x̂ = ${sums.along}.`, ""];
  }
  if (miss < 0.005) {
    return ["The dots still sit in their rings: what is left out is zero here, and a test with these numbers would not notice.", ""];
  }
  const { code, why } = MISTAKES[missing.join(" ")] ?? MISTAKES.other;
  return [`Off the rings by up to ${shown(miss)}. ${why(sums)} The checker calls this `, code];
}

function sayVerdict(now) {
  const paragraph = root.querySelector("[data-says=verdict]");
  const [text, code] = verdict(now);
  if (paragraph.textContent === text + (code && `${code}.`)) return; // a screen reader reads what changes
  paragraph.textContent = text;
  if (code) paragraph.append(Object.assign(document.createElement("code"), { textContent: code }), ".");
}

function sayMoved(now) {
  const what = root.querySelector("[data-says=moved]");
  what.textContent = "Drag one x, and every y moves.";
  if (!held || held.name !== "x" || held.before.x[held.m] === now.x[held.m]) return;
  const before = batchNorm(held.before.x, now.gamma, now.eps);
  const others = now.y.map((value, m) => value - before.y[m]).filter((_, m) => m !== held.m);
  what.textContent =
    `Its y moved by ${shown(now.y[held.m] - before.y[held.m])}, the others by ${shown(Math.min(...others))} to ` +
    `${shown(Math.max(...others))}: mean and std moved under all six.`;
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
  sayMoved(now);
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
  handle.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false }); // a finger does not scroll
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
root.querySelector("input[name=gamma]").addEventListener("input", (event) => setNumbers({ gamma: Number(event.target.value) }));
root.querySelector("input[name=eps]").addEventListener("input", (event) => setNumbers({ eps: EPSILONS[event.target.value] }));
new ResizeObserver(show).observe(root);
