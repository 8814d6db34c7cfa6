"use strict";

/*
 * The four panels of batchnorm.html as lists of SVG marks. `now` holds every number (batchnorm.js computes it) and
 * `place` the columns: left edge, width of one, right edge, and middle(m), in px.
 */

const REACH = { x: 4, dy: 2.5 }; // how far a number can be dragged from 0
const HEIGHT = { x: 170, y: 110, dy: 120, dx: 190 }; // px
const MARGIN = 8; // px above and below what a panel shows
const TERMS = { straight: "blue", mean: "orange", variance: "green" };
const SVG = "http://www.w3.org/2000/svg";

/** An SVG element. */
function draw(tag, attributes, text = "") {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.textContent = text;
  return made;
}

const line = (x1, y1, x2, y2, kind) => draw("line", { x1, y1, x2, y2, class: kind });
const circle = (cx, cy, r, kind) => draw("circle", { cx, cy, r, class: kind });

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
function frame({ held }, { left, right, width, column }, scale, height) {
  const marks = held ? [draw("rect", { x: left + held.m * column, y: 0, width: column, height, class: "column" })] : [];
  marks.push(line(left, scale.at(0), width - right, scale.at(0), "axis"));
  for (const value of [-scale.reach, 0, scale.reach]) {
    const label = draw("text", { x: left - 8, y: scale.at(value) + 4, "text-anchor": "end" });
    label.textContent = String(Number(value.toPrecision(3))).replace("-", "−");
    marks.push(label);
  }
  return marks;
}

/** The mean as a line, the std as a band, and how far each x is from the mean; the handles are x itself. */
function drawX(now, place) {
  const scale = fixedScale("x");
  const { left, right, width } = place;
  const [top, middle, bottom] = [now.mean + now.std, now.mean, now.mean - now.std].map(scale.at);
  const marks = frame(now, place, scale, HEIGHT.x);
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

/** Each y, and where it was when an x was taken. */
function drawY(now, place) {
  const scale = scaleOf("y", 2.5 * Math.max(1, Math.abs(now.gamma)));
  const marks = frame(now, place, scale, HEIGHT.y);
  const before = yBefore(now) ?? now.y;
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

/** A bar from zero to each dy; its end is the handle. */
function drawDy(now, place) {
  const scale = fixedScale("dy");
  const width = Math.min(14, place.column / 5);
  const bars = now.dy.map((value, m) => bar(place.middle(m) - width / 2, width, scale.at(0), scale.at(value), "blue"));
  return [...frame(now, place, scale, HEIGHT.dy), ...bars];
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

/** The ticked terms of every column, on a scale that has room for all of them. */
function drawDx(now, place) {
  const partial = (m) => {
    const ends = now.ticked.map((_, k) => sumOf(now.ticked.slice(0, k + 1).map((name) => now.terms[name][m])));
    return Math.max(...[...ends, now.nudged[m]].map(Math.abs));
  };
  const scale = scaleOf("dx", roundUp(Math.max(0.5, ...now.x.map((_, m) => partial(m)))));
  return [...frame(now, place, scale, HEIGHT.dx), ...now.x.flatMap((_, m) => steps(now, m, scale, place))];
}
