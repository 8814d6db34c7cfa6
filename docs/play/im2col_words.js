"use strict";

/* The sentences of im2col.html. A scene holds the options and every number: im2col.js makes it. */

const signed = (value) => String(value).replace("-", "−");
const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** "[2, 3]" of a cell, counted as in the code: from 0, and of a pixel without its padding. */
function place(index, side, margin = 0) {
  return `[${signed(Math.floor(index / side) - margin)}, ${signed((index % side) - margin)}]`;
}

/** Whether a padded pixel lies in the padding. */
function isPadding(scene, pixel) {
  const inside = (k) => k >= scene.padding && k < scene.padding + SIZE;
  return !inside(Math.floor(pixel / scene.padded)) || !inside(pixel % scene.padded);
}

/** What window p does, forward and backward. */
function windowSentence(scene, p) {
  const output = place(p, scene.output);
  const numbers = plural(scene.kernel ** 2, "number");
  return (
    `Window ${p} makes output ${output}. Forward: the ${numbers} under it ${scene.kernel === 1 ? "is" : "are"} ` +
    `copied into row ${p}, and row ${p} times w is y${output} = ${signed(scene.y[p])}. ` +
    `Backward: dy${output} = ${signed(scene.dy[p])} times wᵀ is row ${p} of dcolumns, and each number of it is ` +
    `added to the pixel of dx it was copied from.`
  );
}

/** What to say while no pixel is taken. */
function pixelInvitation(scene) {
  const covered = new Set(scene.cells.flat());
  const missed = scene.x.filter((_, k) => !isPadding(scene, k) && !covered.has(k)).length;
  if (!missed) return "Point at a pixel of x, or tap it, and see where its copies are.";
  return `${missed} pixels of x lie under no window: dx is 0 there, whatever comes back.`;
}

/** Where the copies of a pixel are, and what came back from those of the windows 0 to `last`. */
function pixelSentence(scene, { pixel, window: last }, dx, right) {
  const copies = [];
  scene.cells.forEach((patch, p) => {
    if (patch.includes(pixel)) copies.push({ p, gradient: scene.dcolumns[p][patch.indexOf(pixel)] });
  });
  const where = place(pixel, scene.padded, scene.padding);
  const windows = plural(copies.length, "window");
  if (!copies.length) return `Pixel ${where} lies under no window: nothing is copied, and dx${where} = 0.`;
  if (isPadding(scene, pixel)) {
    return `The padding at ${where} lies under ${windows}. It is no pixel of x: what comes back to it is dropped.`;
  }
  const times = copies.length === 1 ? "once" : `${copies.length} times`;
  const added = copies.filter(({ p }) => p <= last);
  const terms = added.map(({ gradient }) => (gradient < 0 ? `(${signed(gradient)})` : gradient));
  const sum = (terms.length > 1 ? `${terms.join(" + ")} = ` : "") + signed(right[pixel]);
  const toCome = copies.length - added.length;
  return (
    `Pixel ${where} lies under ${windows}, so it stands in the matrix ${times}. dx${where} = ${sum}` +
    (toCome ? `, and ${toCome} more to come.` : ".") +
    (dx[pixel] === right[pixel] ? "" : ` Overwritten, it is ${signed(dx[pixel])}: only the last one is left.`)
  );
}
