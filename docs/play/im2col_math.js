"use strict";

/*
 * im2col and col2im of one square image with one channel, as in minicnn/layers/windows.py and columns.py.
 * Numbers only: im2col.js draws them. An image is a flat array, row after row.
 */

/**
 * Where the windows lie: equations (1) to (3) of windows.py, the same along both axes.
 *
 * @param {{size: number, kernel: number, stride: number, padding: number, dilation: number}} options in pixels
 * @returns {{padded: number, output: number, cells: number[][]}} Side of the padded image; side of the output; for each
 *   window p the padded pixels under it, in the order of a row of the column matrix: (output^2, kernel^2).
 */
function windowsOn({ size, kernel, stride, padding, dilation }) {
  const padded = size + 2 * padding;
  const reach = (kernel - 1) * dilation + 1; // (1)
  const output = Math.floor((padded - reach) / stride) + 1; // (2)
  const cells = [];
  for (let i = 0; i < output; i++) {
    for (let j = 0; j < output; j++) {
      const patch = [];
      for (let ki = 0; ki < kernel; ki++) {
        for (let kj = 0; kj < kernel; kj++) {
          patch.push((i * stride + ki * dilation) * padded + (j * stride + kj * dilation)); // (3)
        }
      }
      cells.push(patch);
    }
  }
  return { padded, output, cells };
}

/** Put an image of side `size` into zeros: the flat padded image. */
function padImage(x, size, padding) {
  const padded = size + 2 * padding;
  const result = new Array(padded * padded).fill(0);
  x.forEach((value, k) => {
    result[(Math.floor(k / size) + padding) * padded + (k % size) + padding] = value;
  });
  return result;
}

/** The patch under each window as a row: (P, K) from the flat padded image and `cells` (P, K). */
function im2col(paddedImage, cells) {
  return cells.map((patch) => patch.map((pixel) => paddedImage[pixel]));
}

/** y = columns w: (P,) from (P, K) and (K,). */
function timesKernel(columns, w) {
  return columns.map((row) => row.reduce((sum, value, q) => sum + value * w[q], 0));
}

/** dcolumns = dy w^T: (P, K) from (P,) and (K,). */
function columnGradient(dy, w) {
  return dy.map((slope) => w.map((weight) => slope * weight));
}

/**
 * Add the gradient of the first `count` rows to the pixels they were copied from: the flat padded dx.
 *
 * @param {boolean} overwrite true makes the usual mistake, = for +=
 */
function col2im(dcolumns, cells, pixels, count, overwrite = false) {
  const dx = new Array(pixels).fill(0);
  for (let p = 0; p < count; p++) {
    cells[p].forEach((pixel, q) => {
      dx[pixel] = overwrite ? dcolumns[p][q] : dx[pixel] + dcolumns[p][q];
    });
  }
  return dx;
}
