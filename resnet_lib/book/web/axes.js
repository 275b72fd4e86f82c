/* The marks of the axes: the grid, the words at the ticks, the titles. */

import { TICK } from "./layout.js";
import { at, tickValues, tickWords } from "./scale.js";
import { lineWidth, lines } from "./text.js";

/** @typedef {import("./layout.js").Axes} Axes */

export const LEAST = 11; // pixels of the smallest words

/** The marks of the axes: lines of the grid, words at the ticks, titles. `box` gives a pair of axes its place.
 * @param {Axes} laid @param {number} size @returns {import("./mark.js").Mark[]} */
export function axisMarks({ axes }, size) {
  /** @type {import("./mark.js").Mark[]} */
  const marks = [];
  for (const { id, spec, scale, other } of Object.values(axes)) {
    if (spec.visible === false) continue;
    const across = axes[other]?.scale || { start: 0, end: 0 };
    const horizontal = id[0] === "x";
    const most = Math.max(2, Math.floor(Math.abs(scale.end - scale.start) / (horizontal ? 5.5 * size : 3 * size)));
    const values = tickValues(scale, spec, most),
      words = tickWords(values, spec).map((text) => lines(text));
    const places = values.map((value) => at(scale, scale.log ? Math.log10(value) : value));
    const fits = horizontal ? abreast(words, places, size) : size;
    values.forEach((value, i) => {
      const p = places[i];
      const key = `${id} ${value}`;
      if (spec.showgrid) {
        const points = horizontal
          ? [
              [p, across.start],
              [p, across.end],
            ]
          : [
              [across.start, p],
              [across.end, p],
            ];
        marks.push({ key: `grid ${key}`, points, stroke: "var(--rl-grid,#e3e5e8)", thick: 1 });
      }
      const x = horizontal ? p : across.start - TICK;
      const y = horizontal ? across.start + TICK + size : p + 0.35 * size;
      marks.push({
        key: `tick ${key}`,
        x,
        y,
        lines: words[i],
        size: fits,
        anchor: horizontal ? "middle" : "end",
        fill: "var(--rl-quiet,#57606a)",
      });
    });
    if (spec.title?.text) marks.push(title(id, spec.title.text, scale, across, size));
  }
  return marks;
}

/** The size at which words side by side do not touch: that of all words, or as much smaller as can be read.
 * @param {import("./text.js").Run[][][]} words @param {number[]} places @param {number} size */
function abreast(words, places, size) {
  const half = words.map((rows) => Math.max(...rows.map((row) => lineWidth(row, 1))) / 2);
  const most = places.map((place, i) => (i ? (Math.abs(place - places[i - 1]) - 3) / (half[i] + half[i - 1]) : size));
  return Math.max(LEAST, Math.min(size, ...most));
}

/** The title of an axis: below it at its right end, or above it at its upper end.
 * @returns {import("./mark.js").Mark}
 * @param {string} id @param {string} text @param {import("./scale.js").Scale} scale @param {{ start: number, end: number }} across
 * @param {number} size */
function title(id, text, scale, across, size) {
  const words = { lines: lines(text), size, fill: "var(--rl-quiet,#57606a)" };
  if (id[0] === "x")
    return { key: `title ${id}`, ...words, x: scale.end, y: across.start + TICK + 2.6 * size, anchor: "end" };
  return { key: `title ${id}`, ...words, x: across.start, y: scale.end - 0.6 * size, anchor: "start" };
}
