"use strict";

/* The figure of im2col.html: what im2col_math.js computes, as four squares and two matrices that light up together. */

const SIZE = 5; // pixels a side of the image
const CELL = 34; // px, at most
const ROW = 24; // px, at most, of the matrices
const PAUSE = 700; // ms between two windows of Play

const root = document.getElementById("im2col");
const form = root.querySelector("form");
const slider = root.querySelector("input[type=range]");
const overwrite = root.querySelector("[name=overwrite]");
const figures = {};
for (const figure of root.querySelectorAll("figure")) figures[figure.dataset.grid] = figure;

let scene; // the options and every number
let chosen = { window: 0, pixel: null };
let pointed = {}; // the same, of the cell under the mouse
let playing = null;

/** Simple numbers, an image that counts its pixels and ones, so that dx counts windows; or random integers. */
function drawNumbers(kind, kernel, output) {
  const integer = (low, high) => low + Math.floor(Math.random() * (high - low + 1));
  const integers = (count, low, high) => Array.from({ length: count }, () => integer(low, high));
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

/** Compute and build everything anew, for other options or numbers. */
function build() {
  scene = newScene();
  chosen = { window: Math.min(chosen.window, scene.cells.length - 1), pixel: null };
  pointed = {};
  slider.max = scene.cells.length - 1;
  const pixel = (k) => ({ pixel: k });
  const position = (p) => ({ window: p });
  const grids = {
    x: square(scene, "x", scene.x, scene.padded, pixel),
    columns: matrix(scene, "columns", scene.columns),
    y: square(scene, "y", scene.y, scene.output, position),
    dx: square(scene, "dx", scene.x, scene.padded, pixel),
    dcolumns: matrix(scene, "dcolumns", scene.dcolumns),
    dy: square(scene, "dy", scene.dy, scene.output, position),
  };
  for (const [name, parts] of Object.entries(grids)) figures[name].replaceChildren(...parts);
  fit();
  show();
}

/** Cells as large as the page has room for. */
function fit() {
  const width = root.clientWidth;
  const narrow = width < 560;
  const wide = scene.kernel ** 2 + 1.2;
  const images = scene.padded + Math.max(scene.output, 2);
  const room = (cells, gaps) => Math.min(CELL, Math.floor((width - gaps) / cells) - 1);
  const side = narrow ? room(images, 20) : room(images + wide, 64);
  root.classList.toggle("narrow", narrow);
  for (const [name, figure] of Object.entries(figures)) {
    const isMatrix = name.endsWith("columns");
    const size = narrow && isMatrix ? room(wide, 16) : side;
    figure.style.setProperty("--cell", `${size}px`);
    figure.style.setProperty("--row", `${isMatrix ? Math.min(ROW, 4 * Math.floor(size / 4)) : size}px`);
  }
}

/* Showing: at each step. */

function show() {
  const at = { ...chosen, ...pointed };
  const { cells, dcolumns, padded, output } = scene;
  const collected = (count, wrongly) => col2im(dcolumns, cells, padded ** 2, count, wrongly);
  const dx = collected(at.window + 1, overwrite.checked);
  const right = collected(at.window + 1);
  const most = Math.max(1, ...collected(cells.length).map(Math.abs));
  const patch = new Set(cells[at.window]);
  for (const td of root.querySelectorAll("td")) {
    if (td.name === "dx") collect(td, dx, right, most);
    light(td, at, patch);
  }
  slider.value = at.window;
  slider.setAttribute("aria-valuetext", `${at.window} of 0 to ${cells.length - 1}, output ${place(at.window, output)}`);
  say("window", windowSentence(scene, at.window));
  say("pixel", at.pixel === null ? pixelInvitation(scene) : pixelSentence(scene, at, dx, right));
  scrollToRow(at.window);
}

/** Write what a pixel of dx has collected so far, the greener the more; struck through where that is wrong. */
function collect(td, dx, right, most) {
  const { pixel } = td.stands;
  const outside = isPadding(scene, pixel);
  td.textContent = signed(dx[pixel]);
  td.style.setProperty("--share", outside ? 0 : Math.min(1, Math.abs(dx[pixel]) / most));
  td.classList.toggle("wrong", dx[pixel] !== right[pixel] && !outside);
}

/** Light a cell up if it belongs to the window or to the pixel. */
function light(td, at, patch) {
  const { window: p, pixel } = td.stands;
  const ofImage = p === undefined;
  const lit = ofImage ? patch.has(pixel) : p === at.window;
  td.classList.toggle("lit", lit && td.name !== "dx");
  td.classList.toggle("collects", lit && td.name === "dx");
  td.classList.toggle("chosen", pixel !== undefined && pixel === at.pixel);
  td.classList.toggle("later", td.name.startsWith("d") && !ofImage && p > at.window);
  td.setAttribute("aria-selected", lit);
  td.setAttribute("aria-label", `${td.name} ${whereIs(td.stands)}: ${td.textContent}`);
}

/** The place of a cell in words, for screen readers. */
function whereIs({ window: p, pixel }) {
  if (pixel === undefined) return place(p, scene.output);
  const inImage = place(pixel, scene.padded, scene.padding);
  return p === undefined ? inImage : `row ${p}, pixel ${inImage}`;
}

function say(which, text) {
  const paragraph = root.querySelector(`[data-says=${which}]`);
  if (paragraph.textContent !== text) paragraph.textContent = text;
}

/** Keep row p of both matrices in view, and the page where it is. */
function scrollToRow(p) {
  if (pointed.window !== undefined) return; // a row must not run away from the mouse
  for (const name of ["columns", "dcolumns"]) {
    const box = figures[name].querySelector(".im2col-scroll");
    const row = figures[name].querySelectorAll("tbody tr")[p];
    const head = figures[name].querySelector("thead").offsetHeight;
    const hiddenAbove = box.scrollTop + head - row.offsetTop;
    const hiddenBelow = row.offsetTop + row.offsetHeight - box.scrollTop - box.clientHeight;
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

/** Go through the windows by itself, or stop. */
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
  const between = !td && (event.target.closest("table") || !Object.keys(pointed).length);
  if (event.pointerType !== "mouse" || playing || between) return;
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
