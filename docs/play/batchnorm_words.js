"use strict";

/* The sentences of batchnorm.html and how it writes numbers. */

/** A number as it is shown: two decimals, fewer of large ones, a real minus. */
function shown(value) {
  const decimals = Math.abs(value) < 9.995 ? 2 : Math.abs(value) < 99.95 ? 1 : 0;
  const text = value.toFixed(decimals);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
}

/** What is wrong without some terms, and the gradient checker's name for it. */
const MISTAKES = {
  mean: {
    code: "mean-term-missing",
    why: (sums) => `Σ dx = ${sums.dx}: it asks to shift the whole batch, and that would change no y.`,
  },
  variance: {
    code: "variance-term-missing",
    why: (sums) => `Σ dx x̂ = ${sums.along}: it asks to stretch the batch, and that would change no y (but for ε).`,
  },
  "mean variance": {
    code: "statistics-held-constant",
    why: () => "Each x hears from its own y alone, as in evaluation, where mean and variance are given.",
  },
  other: { code: "term-missing", why: () => "Without the straight term, what is left corrects nothing." },
};

/** How far the y moved since an x was taken, or an invitation. */
function movedSentence(now) {
  const before = yBefore(now);
  if (!before || before[now.held.m] === now.y[now.held.m]) return "Drag one x: how many y move?";
  const moves = now.y.map((value, m) => value - before[m]);
  const others = moves.filter((_, m) => m !== now.held.m);
  return (
    `Its y moved by ${shown(moves[now.held.m])}, the others by ${shown(Math.min(...others))} to ` +
    `${shown(Math.max(...others))}: mean and std moved under all six.`
  );
}

/** What the panel dx shows, in a sentence or two: [text, the checker's code or ""]. */
function verdict(now) {
  const missing = Object.keys(TERMS).filter((name) => !now.ticked.includes(name));
  const miss = Math.max(...now.dx.map((value, m) => Math.abs(value - now.nudged[m])));
  const sums = { dx: shown(sumOf(now.dx)), along: shown(sumOf(now.dx.map((value, m) => value * now.xHat[m]))) };
  if (!missing.length) {
    const whole = "Each dot sits in its ring: the three terms are the whole gradient.";
    return [`${whole} Σ dx = ${sums.dx}, Σ dx x̂ = ${sums.along}.`, ""];
  }
  if (miss < 0.005) {
    const hidden = "The dots still sit in their rings: what is left out is zero here.";
    return [`${hidden} A test with these numbers would not notice.`, ""];
  }
  const { code, why } = MISTAKES[missing.join(" ")] ?? MISTAKES.other;
  return [`Off the rings by up to ${shown(miss)}. ${why(sums)} The checker calls this `, code];
}
