/* Where a figure's words go: inside the drawing, and not over one another. */

import { at } from "./scale.js";
import { LINE } from "./svg.js";
import { lineWidth, lines, overlap, wrap } from "./text.js";
import { paint } from "./traces.js";

/** @typedef {import("./svg.js").Mark} Mark */
/** @typedef {import("./text.js").Box} Box */

const ANCHORS = { left: "start", center: "middle", right: "end" };
const LEAST = 11; // pixels of the smallest words

/** The place that words take.
 * @param {Mark} mark @returns {Box} */
export function inkOf(mark) {
  const size = mark.size || 15, written = mark.lines || [];
  const width = Math.max(0, ...written.map((line) => lineWidth(line, size)));
  const left = mark.anchor === "end" ? width : mark.anchor === "middle" ? width / 2 : 0;
  return { x: (mark.x || 0) - left, y: (mark.y || 0) - 0.74 * size, width, height: ((written.length - 1) * LINE + 0.95) * size };
}

/** The marks of the annotations of a figure, before anything has made way.
 * @param {Record<string, any>} figure @param {import("./axes.js").Axes} laid @param {number} size @param {number} width
 * @returns {Mark[]} */
export function annotationMarks(figure, laid, size, width) {
  return (figure.layout.annotations || []).map((/** @type {Record<string, any>} */ note, /** @type {number} */ i) => {
    const where = (/** @type {string} */ ref, /** @type {number} */ value, /** @type {number} */ whole) =>
      ref === "paper" ? value * whole : at(laid.axes[ref].scale, value);
    const xref = note.xref || "x", yref = note.yref || "y";
    const rows = lines(note.text), high = ((rows.length - 1) * LINE + 0.72) * size;
    const up = { top: 0, middle: high / 2, bottom: high }[/** @type {"top"} */ (note.yanchor || "middle")];
    const x = xref === "paper" ? paper(laid, note.x) : where(xref, note.x, width);
    return {
      key: `note ${i}`, lines: rows, size, halo: true, anchor: ANCHORS[/** @type {"left"} */ (note.xanchor || "center")],
      x: x + (note.xshift || 0), y: where(yref, note.y, laid.height) - (note.yshift || 0) - up + 0.72 * size,
      fill: paint(note.font?.color, "i"),
    };
  });
}

/** @param {import("./axes.js").Axes} laid @param {number} share */
function paper(laid, share) {
  const { start, end } = laid.axes.x.scale;
  return start + share * (end - start);
}

/** Words as they fit: broken or smaller where they are wider than the drawing, moved where they leave it or lie over
 * others. Those that come first stay; `marks` are symbols, which words do not cover either.
 * @param {Mark[]} words @param {Mark[]} marks @param {{ width: number, height: number }} frame @returns {Mark[]} */
export function arrange(words, marks, frame) {
  /** @type {Box[]} */
  const taken = marks.filter((mark) => mark.symbol && mark.fill !== "none").map(({ x = 0, y = 0, size = 8 }) => ({ x: x - size / 2, y: y - size / 2, width: size, height: size }));
  const symbols = taken.length;
  return words.map((word) => {
    let best = fitted(word, frame.width - 2);
    const step = 0.25 * (best.size || 15);
    const free = (/** @type {Mark} */ mark, /** @type {number} */ first) => {
      const ink = inkOf(mark);
      return ink.y >= 0 && ink.y + ink.height <= frame.height && !taken.slice(first).some((box) => overlap(box, ink));
    };
    search: for (const first of [0, symbols]) { // clear of all, or at least of words
      for (const away of [0, 1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6, -6, 8, -8]) {
        const moved = { ...best, y: (best.y || 0) - away * step };
        if (free(moved, first)) {
          best = moved;
          break search;
        }
      }
    }
    taken.push(inkOf(best));
    return best;
  });
}

/** @param {Mark} word @param {number} width @returns {Mark} */
function fitted(word, width) {
  let mark = word;
  for (let size = word.size || 15; inkOf(mark).width > width && size > LEAST; ) mark = { ...word, size: (size -= 0.5) };
  if (inkOf(mark).width > width) mark = { ...mark, lines: (mark.lines || []).flatMap((line) => wrap(line, mark.size || 15, width)) };
  const ink = inkOf(mark);
  const over = Math.max(ink.x + ink.width - width - 1, 0), short = Math.max(1 - ink.x, 0);
  return { ...mark, x: (mark.x || 0) - over + short };
}
