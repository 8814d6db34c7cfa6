"use strict";

/* The figure of im2col.html: what im2col_math.js computes, as five grids and a matrix that light up together. */

const SIZE = 5; // pixels a side of the image
const CELL = 34; // px, at most
const ROW = 24; // px, at most, of the matrices
const PAUSE = 700; // ms between two windows of Play

const root = document.getElementById("im2col");
const form = root.querySelector("form");
const slider = root.querySelector("input[type=range]");
const overwrite = root.querySelector("[name=overwrite]");
const figures = Object.fromEntries([...root.querySelectorAll("figure")].map((figure) => [figure.dataset.grid, figure]));

let scene; // the options and every number
let chosen = { window: 0, pixel: null };
let pointed = {}; // the same, of the cell under the mouse
let playing = null;

const signed = (value) => String(value).replace("-", "−");
const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** "[2, 3]" of a cell, counted as in the code: from 0, and of a pixel without its padding. */
function place(index, side, margin = 0) {
  return `[${signed(Math.floor(index / side) - margin)}, ${signed((index % side) - margin)}]`;
}

/** Numbers to begin with: the image counts its pixels and the rest are ones, so that dx counts windows; or random integers. */
function drawNumbers(kind, kernel, output) {
  const integers = (count, low, high) =>
    Array.from({ length: count }, () => low + Math.floor(Math.random() * (high - low + 1)));
  const ones = (count) => new Array(count).fill(1);
  if (kind === "random") {
    return { x: integers(SIZE ** 2, 0, 4), w: integers(kernel ** 2, -1, 1), dy: integers(output ** 2, -2, 2) };
  }
  return { x: ones(SIZE ** 2).map((one, k) => one + k), w: ones(kernel ** 2), dy: ones(output ** 2) };
}

/** Read the form and compute everything that does not depend on the window shown. */
function newScene() {
  const picked = Object.fromEntries(new FormData(form));
  const options = { size: SIZE };
  for (const name of ["kernel", "stride", "padding", "dilation"]) options[name] = Number(picked[name]);
  const windows = windowsOn(options);
  const numbers = drawNumbers(picked.numbers, options.kernel, windows.output);
  const x = padImage(numbers.x, SIZE, options.padding);
  const columns = im2col(x, windows.cells);
  return {
    ...options,
    ...windows,
    ...numbers,
    x,
    columns,
    y: timesKernel(columns, numbers.w),
    dcolumns: columnGradient(numbers.dy, numbers.w),
  };
}

/** Whether a padded pixel lies in the padding. */
function isPadding(pixel) {
  const inside = (k) => k >= scene.padding && k < scene.padding + SIZE;
  return !inside(Math.floor(pixel / scene.padded)) || !inside(pixel % scene.padded);
}

/* Building: once for each choice of options. */

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** A cell that stands for a window, a pixel, or both. */
function cell(name, value, stands) {
  const td = element("td", { textContent: signed(value), tabIndex: -1 });
  td.name = name;
  td.stands = stands;
  if (stands.pixel !== undefined && isPadding(stands.pixel)) td.classList.add("padding");
  return td;
}

/** A table that arrow keys walk through. */
function grid(name, shape, body, head = []) {
  const table = element("table", { className: "im2col-grid" }, element("thead", {}, ...head), element("tbody", {}, ...body));
  table.setAttribute("role", "grid");
  table.setAttribute("aria-label", name);
  table.querySelector("td").tabIndex = 0;
  const caption = element("figcaption", {}, element("b", { textContent: name }), ` ${shape}`);
  figures[name].replaceChildren(caption, element("div", { className: "im2col-scroll" }, table));
}

/** A square of numbers: an image, or one number for each window. */
function buildSquare(name, values, side, stands) {
  const rows = [];
  for (let i = 0; i < side; i++) {
    const cells = values.slice(i * side, (i + 1) * side).map((value, j) => cell(name, value, stands(i * side + j)));
    rows.push(element("tr", {}, ...cells));
  }
  const image = name.endsWith("x");
  const shape = image ? [SIZE, SIZE] : [side, side];
  grid(name, `(${shape.join(", ")})${image && scene.padding ? " with padding" : ""}`, rows);
}

/** A row for each window, a column for each place in the kernel, and above it the weight of that place. */
function buildMatrix(name, values) {
  const heading = (text, scope) => element("th", { textContent: text, scope });
  const places = scene.w.map((_, q) => heading(place(q, scene.kernel).slice(1, -1).replace(" ", ""), "col"));
  const weights = scene.w.map((weight) => heading(signed(weight), "col"));
  const head = [
    element("tr", {}, heading("", "col"), ...places),
    element("tr", {}, heading(name === "columns" ? "w" : "wᵀ", "row"), ...weights),
  ];
  const body = values.map((row, p) => {
    const cells = row.map((value, q) => cell(name, value, { window: p, pixel: scene.cells[p][q] }));
    return element("tr", {}, heading(p, "row"), ...cells);
  });
  grid(name, `(${scene.output ** 2}, ${scene.kernel ** 2})`, body, head);
}

function build() {
  scene = newScene();
  chosen = { window: Math.min(chosen.window, scene.cells.length - 1), pixel: null };
  pointed = {};
  slider.max = scene.cells.length - 1;
  const pixel = (k) => ({ pixel: k });
  const position = (p) => ({ window: p });
  buildSquare("x", scene.x, scene.padded, pixel);
  buildMatrix("columns", scene.columns);
  buildSquare("y", scene.y, scene.output, position);
  buildSquare("dx", scene.x, scene.padded, pixel);
  buildMatrix("dcolumns", scene.dcolumns);
  buildSquare("dy", scene.dy, scene.output, position);
  fit();
  show();
}

/** Cells as large as the page has room for. */
function fit() {
  if (!scene) return;
  const width = root.clientWidth;
  const narrow = width < 560;
  const matrix = scene.kernel ** 2 + 1.2;
  const images = scene.padded + Math.max(scene.output, 2);
  const room = (cells, gaps) => Math.min(CELL, Math.floor((width - gaps) / cells) - 1);
  const side = narrow ? room(images, 20) : room(images + matrix, 64);
  root.classList.toggle("narrow", narrow);
  for (const [name, figure] of Object.entries(figures)) {
    const isMatrix = name.endsWith("columns");
    const size = narrow && isMatrix ? room(matrix, 16) : side;
    figure.style.setProperty("--cell", `${size}px`);
    figure.style.setProperty("--row", `${isMatrix ? Math.min(ROW, 4 * Math.floor(size / 4)) : size}px`);
  }
}

/* Showing: at each step. */

function show() {
  const at = { ...chosen, ...pointed };
  const pixels = scene.padded ** 2;
  const rows = scene.cells.length;
  const dx = col2im(scene.dcolumns, scene.cells, pixels, at.window + 1, overwrite.checked);
  const right = col2im(scene.dcolumns, scene.cells, pixels, at.window + 1);
  const most = Math.max(1, ...col2im(scene.dcolumns, scene.cells, pixels, rows).map(Math.abs));
  const patch = new Set(scene.cells[at.window]);
  for (const td of root.querySelectorAll("td")) {
    const { window: p, pixel } = td.stands;
    const image = p === undefined;
    const lit = image ? patch.has(pixel) : p === at.window;
    if (td.name === "dx") {
      td.textContent = signed(dx[pixel]);
      td.style.setProperty("--share", isPadding(pixel) ? 0 : Math.abs(dx[pixel]) / most);
      td.classList.toggle("wrong", dx[pixel] !== right[pixel] && !isPadding(pixel));
    }
    td.classList.toggle("lit", lit && td.name !== "dx");
    td.classList.toggle("collects", lit && td.name === "dx");
    td.classList.toggle("chosen", pixel !== undefined && pixel === at.pixel);
    td.classList.toggle("later", td.name.startsWith("d") && !image && p > at.window);
    td.setAttribute("aria-selected", lit);
    td.setAttribute("aria-label", describe(td));
  }
  slider.value = at.window;
  slider.setAttribute("aria-valuetext", `window ${at.window} of 0 to ${rows - 1}, output ${place(at.window, scene.output)}`);
  say("window", windowSentence(at.window));
  say("pixel", at.pixel === null ? pixelInvitation() : pixelSentence(at, dx, right));
  scrollToRow(at.window);
}

function describe(td) {
  const { window: p, pixel } = td.stands;
  const where = p === undefined ? place(pixel, scene.padded, scene.padding) : place(p, scene.output);
  const kind = pixel === undefined || p === undefined ? "" : ` row ${p}, pixel ${place(pixel, scene.padded, scene.padding)}`;
  return `${td.name}${kind || ` ${where}`}: ${td.textContent}`;
}

function say(which, text) {
  const paragraph = root.querySelector(`[data-says=${which}]`);
  if (paragraph.textContent !== text) paragraph.textContent = text;
}

function windowSentence(p) {
  const output = place(p, scene.output);
  const numbers = plural(scene.kernel ** 2, "number");
  return (
    `Window ${p} makes output ${output}. Forward: the ${numbers} under it ${scene.kernel === 1 ? "is" : "are"} copied ` +
    `into row ${p}, and row ${p} times w is y${output} = ${signed(scene.y[p])}. ` +
    `Backward: dy${output} = ${signed(scene.dy[p])} times wᵀ is row ${p} of dcolumns, and each number of it is added ` +
    `to the pixel of dx it was copied from.`
  );
}

function pixelInvitation() {
  const missed = scene.x.filter((_, k) => !isPadding(k) && !scene.cells.some((patch) => patch.includes(k))).length;
  if (!missed) return "Point at a pixel of x, or tap it, and see where its copies are.";
  return `${plural(missed, "pixel")} of x ${missed === 1 ? "lies" : "lie"} under no window: dx is 0 there, whatever comes back.`;
}

function pixelSentence({ pixel, window: last }, dx, right) {
  const copies = [];
  scene.cells.forEach((patch, p) => {
    if (patch.includes(pixel)) copies.push({ p, gradient: scene.dcolumns[p][patch.indexOf(pixel)] });
  });
  const where = place(pixel, scene.padded, scene.padding);
  if (!copies.length) return `Pixel ${where} lies under no window: nothing is copied, and dx${where} = 0.`;
  const stands = `${isPadding(pixel) ? "The padding at" : "Pixel"} ${where} lies under ${plural(copies.length, "window")}`;
  if (isPadding(pixel)) return `${stands}. It is no pixel of x: what comes back to it is dropped.`;
  const added = copies.filter(({ p }) => p <= last);
  const terms = added.map(({ gradient }) => (gradient < 0 ? `(${signed(gradient)})` : gradient)).join(" + ") || "0";
  const soFar = added.length < copies.length ? `, and ${plural(copies.length - added.length, "copy").replace("copys", "copies")} to come` : "";
  const sum = added.length > 1 ? `${terms} = ${signed(right[pixel])}` : signed(right[pixel]);
  const mistake = dx[pixel] === right[pixel] ? "" : ` Overwritten, it is ${signed(dx[pixel])}: only the last one is left.`;
  return `${stands}, so it stands in the matrix ${copies.length === 1 ? "once" : `${copies.length} times`}. dx${where} = ${sum}${soFar}.${mistake}`;
}

/** Keep row p of both matrices in view, and the page where it is. */
function scrollToRow(p) {
  for (const name of ["columns", "dcolumns"]) {
    const box = figures[name].querySelector(".im2col-scroll");
    const row = figures[name].querySelectorAll("tbody tr")[p];
    const head = figures[name].querySelector("thead").offsetHeight;
    const hiddenAbove = box.scrollTop + head - row.offsetTop;
    const hiddenBelow = row.offsetTop + row.offsetHeight - box.scrollTop - box.clientHeight;
    if (pointed.window !== undefined) continue; // a row must not run away from the mouse
    if (hiddenAbove > 0) box.scrollTop -= hiddenAbove;
    if (hiddenBelow > 0) box.scrollTop += hiddenBelow;
  }
}

/* What the reader does. */

function goTo(window) {
  chosen.window = Math.max(0, Math.min(window, scene.cells.length - 1));
  pointed = {};
  show();
}

function play(on) {
  clearInterval(playing);
  playing = null;
  if (on && chosen.window === scene.cells.length - 1) goTo(0);
  if (on) {
    playing = setInterval(() => {
      goTo(chosen.window + 1);
      if (chosen.window === scene.cells.length - 1) play(false);
    }, PAUSE);
  }
  root.querySelector("[data-do=play]").textContent = on ? "Pause" : "Play";
  root.querySelector(".play-says").setAttribute("aria-live", on ? "off" : "polite");
}

/** Take what a cell stands for; a pixel taken twice is let go. */
function choose(td, toggle) {
  play(false);
  const { window: p, pixel } = td.stands;
  const again = toggle && p === undefined && pixel === chosen.pixel;
  if (p !== undefined) chosen.window = p;
  if (pixel !== undefined) chosen.pixel = again ? null : pixel;
  pointed = {};
  show();
}

/** The cell that an arrow key leads to. */
function neighbour(td, key) {
  const row = td.parentElement;
  const column = [...row.cells].indexOf(td);
  const up = row.previousElementSibling?.cells[column];
  const down = row.nextElementSibling?.cells[column];
  const cells = [...row.querySelectorAll("td")];
  return {
    ArrowLeft: td.previousElementSibling,
    ArrowRight: td.nextElementSibling,
    ArrowUp: up,
    ArrowDown: down,
    Home: cells[0],
    End: cells[cells.length - 1],
  }[key];
}

function onKey(event) {
  const td = event.target.closest("td");
  if (event.key === "Escape") {
    chosen.pixel = null;
    pointed = {};
    show();
  }
  if (!td) return;
  const next = neighbour(td, event.key);
  if (next?.matches("td")) {
    td.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
    choose(next, false);
  } else if (event.key === "Enter" || event.key === " ") {
    choose(td, true);
  } else if (!event.key.startsWith("Arrow")) {
    return;
  }
  event.preventDefault();
}

root.addEventListener("keydown", onKey);
root.addEventListener("click", (event) => {
  const td = event.target.closest("td");
  if (td) choose(td, true);
  if (event.target.value === "random") build();
});
root.addEventListener("pointerover", (event) => {
  const td = event.target.closest("td");
  if (event.pointerType !== "mouse" || playing || (!td && !Object.keys(pointed).length)) return;
  pointed = td ? { ...td.stands } : {};
  show();
});
root.addEventListener("pointerleave", () => {
  pointed = {};
  show();
});
root.querySelector("[data-do=back]").addEventListener("click", () => (play(false), goTo(chosen.window - 1)));
root.querySelector("[data-do=next]").addEventListener("click", () => (play(false), goTo(chosen.window + 1)));
root.querySelector("[data-do=play]").addEventListener("click", () => play(!playing));
slider.addEventListener("input", () => (play(false), goTo(Number(slider.value))));
overwrite.addEventListener("change", show);
form.addEventListener("change", () => (play(false), build()));
form.addEventListener("submit", (event) => event.preventDefault());
new ResizeObserver(fit).observe(root);
build();
