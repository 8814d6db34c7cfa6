"use strict";

/* The grids of im2col.html: each function returns a caption and a table. A scene holds the options and every number. */

/** An HTML element. */
function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** A cell that stands for a window, a pixel, or both. */
function cell(scene, name, value, stands) {
  const td = element("td", { textContent: signed(value), tabIndex: -1 });
  td.name = name;
  td.stands = stands;
  if (stands.pixel !== undefined && isPadding(scene, stands.pixel)) td.classList.add("padding");
  return td;
}

/** A caption and a table. */
function grid(name, shape, body, head = []) {
  const parts = [element("thead", {}, ...head), element("tbody", {}, ...body)];
  const table = element("table", { className: "im2col-grid" }, ...parts);
  table.setAttribute("role", "grid");
  table.setAttribute("aria-label", name);
  table.querySelector("td").tabIndex = 0;
  const caption = element("figcaption", {}, element("b", { textContent: name }), ` ${shape}`);
  return [caption, element("div", { className: "im2col-scroll" }, table)];
}

/** A square of numbers: an image, or one number for each window. */
function square(scene, name, values, side, stands) {
  const rows = [];
  for (let i = 0; i < side; i++) {
    const row = values.slice(i * side, (i + 1) * side);
    rows.push(element("tr", {}, ...row.map((value, j) => cell(scene, name, value, stands(i * side + j)))));
  }
  const inside = name.endsWith("x") ? SIZE : side;
  return grid(name, `(${inside}, ${inside})${inside < side ? " with padding" : ""}`, rows);
}

/** A row for each window, a column for each place in the kernel, and above it the weight of that place. */
function matrix(scene, name, values) {
  const heading = (text, scope) => element("th", { textContent: text, scope });
  const places = scene.w.map((_, q) => heading(place(q, scene.kernel).slice(1, -1).replace(" ", ""), "col"));
  const weights = scene.w.map((weight) => heading(signed(weight), "col"));
  const head = [
    element("tr", {}, heading("", "col"), ...places),
    element("tr", {}, heading(name === "columns" ? "w" : "wᵀ", "row"), ...weights),
  ];
  const body = values.map((row, p) => {
    const cells = row.map((value, q) => cell(scene, name, value, { window: p, pixel: scene.cells[p][q] }));
    return element("tr", {}, heading(p, "row"), ...cells);
  });
  return grid(name, `(${scene.output ** 2}, ${scene.kernel ** 2})`, body, head);
}
