"use strict";

/*
 * Batch norm of one channel and its gradient in three terms; equations numbered as in minicnn/layers/batchnorm.py.
 * Numbers only: batchnorm.js draws them. x, dy and all results but single numbers are (M,).
 */

const sumOf = (values) => values.reduce((sum, value) => sum + value, 0);
const meanOf = (values) => sumOf(values) / values.length;

/**
 * Equations (1) to (4) with beta = 0, which shifts every y and changes no gradient of x.
 *
 * @returns {{mean: number, variance: number, std: number, xHat: number[], y: number[]}} std is sqrt(var + eps)
 */
function batchNorm(x, gamma, eps) {
  const mean = meanOf(x); // (1)
  const variance = meanOf(x.map((value) => (value - mean) ** 2)); // (2)
  const std = Math.sqrt(variance + eps);
  const xHat = x.map((value) => (value - mean) / std); // (3)
  return { mean, variance, std, xHat, y: xHat.map((value) => gamma * value) }; // (4)
}

/**
 * Equation (7) taken apart: dx is the sum of the three terms.
 *
 * @returns {{scale: number, dbeta: number, dgamma: number, terms: {straight: number[], mean: number[],
 *   variance: number[]}}} scale is gamma / sqrt(var + eps)
 */
function batchNormGradient(x, dy, gamma, eps) {
  const { std, xHat } = batchNorm(x, gamma, eps);
  const scale = gamma / std;
  const dbeta = sumOf(dy); // (5)
  const dgamma = sumOf(dy.map((slope, m) => slope * xHat[m])); // (6)
  const terms = {
    straight: dy.map((slope) => scale * slope),
    mean: x.map(() => (-scale * dbeta) / x.length),
    variance: xHat.map((value) => (-scale * value * dgamma) / x.length),
  };
  return { scale, dbeta, dgamma, terms };
}

/** The loss whose gradient with respect to y is dy: L = sum over m of dy_m y_m. */
function loss(x, dy, gamma, eps) {
  return sumOf(batchNorm(x, gamma, eps).y.map((value, m) => dy[m] * value));
}

/** dL/dx with no formula: nudge each x_m up and down, run the forward pass twice, and divide. */
function nudgedGradient(x, dy, gamma, eps) {
  const h = 1e-4 * batchNorm(x, gamma, eps).std;
  const nudged = (m, step) => x.map((value, k) => (k === m ? value + step : value));
  return x.map((_, m) => (loss(nudged(m, h), dy, gamma, eps) - loss(nudged(m, -h), dy, gamma, eps)) / (2 * h));
}
