/* Where a figure's words go: inside the drawing, and not over one another. */

import { LEAST } from "./axes.js";
import { at } from "./scale.js";
import { LINE } from "./mark.js";
import { lineWidth, lines, overlap, wrap } from "./text.js";
import { paint } from "./paint.js";

/** @typedef {import("./mark.js").Mark} Mark */
/** @typedef {import("./text.js").Box} Box */

const ANCHORS = { left: "start", center: "middle", right: "end" };

/** The place that words take.
 * @param {Mark} mark @returns {Box} */
export function inkOf(mark) {
  const size = mark.size || 15,
    written = mark.lines || [];
  const width = Math.max(0, ...written.map((line) => lineWidth(line, size)));
  const left = mark.anchor === "end" ? width : mark.anchor === "middle" ? width / 2 : 0;
  return {
    x: (mark.x || 0) - left,
    y: (mark.y || 0) - 0.74 * size,
    width,
    height: ((written.length - 1) * LINE + 0.95) * size,
  };
}

/** The marks of the annotations of a figure, before anything has made way.
 * @param {Record<string, any>} figure @param {import("./layout.js").Axes} laid @param {number} size @returns {Mark[]} */
export function annotationMarks(figure, { axes, area }, size) {
  return (figure.layout.annotations || []).map((/** @type {Record<string, any>} */ note, /** @type {number} */ i) => {
    const { xref = "x", yref = "y", xshift = 0, yshift = 0 } = note;
    const rows = lines(note.text),
      high = ((rows.length - 1) * LINE + 0.72) * size;
    const up = { top: 0, middle: high / 2, bottom: high }[/** @type {"top"} */ (note.yanchor || "middle")];
    const x = xref === "paper" ? area.x + note.x * area.width : at(axes[xref].scale, note.x);
    const y = yref === "paper" ? area.y + (1 - note.y) * area.height : at(axes[yref].scale, note.y);
    const anchor = ANCHORS[/** @type {"left"} */ (note.xanchor || "center")];
    return {
      key: `note ${i}`,
      lines: rows,
      size,
      halo: true,
      anchor,
      x: x + xshift,
      y: y - yshift - up + 0.72 * size,
      fill: paint(note.font?.color, "i"),
    };
  });
}

/** Words as they fit: broken or smaller where they are wider than the drawing, moved where they leave it or lie over
 * others. Those that come first stay; `marks` are the words of axes, and bars and symbols, which words do not cover
 * either if there is room.
 * @param {Mark[]} words @param {Mark[]} marks @param {{ width: number, height: number }} frame @returns {Mark[]} */
export function arrange(words, marks, frame) {
  /** @type {Box[]} */
  const taken = marks
    .filter((mark) => mark.key.startsWith("bar "))
    .map(({ x = 0, y = 0, width = 0, height = 0 }) => ({ x, y, width, height }));
  const bars = taken.length;
  taken.push(
    ...marks
      .filter((mark) => mark.symbol && mark.fill !== "none")
      .map(({ x = 0, y = 0, size = 8 }) => ({ x: x - size / 2, y: y - size / 2, width: size, height: size })),
  );
  const shapes = taken.length;
  taken.push(...marks.filter((mark) => mark.lines && mark.clip === undefined).map(inkOf));
  return words.map((word) => {
    let best = fitted(word, frame.width - 2);
    const step = 0.25 * (best.size || 15);
    const free = (/** @type {Mark} */ mark, /** @type {number} */ first) => {
      const ink = inkOf(mark);
      return ink.y >= 0 && ink.y + ink.height <= frame.height && !taken.slice(first).some((box) => overlap(box, ink));
    };
    search: for (const first of [0, bars, shapes]) {
      // clear of all, or at least of symbols and words, or of words
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
  if (inkOf(mark).width > width)
    mark = { ...mark, lines: (mark.lines || []).flatMap((line) => wrap(line, mark.size || 15, width)) };
  return within(mark, width);
}

/** Words moved sideways into a drawing of that width.
 * @param {Mark} mark @param {number} width @returns {Mark} */
export function within(mark, width) {
  const ink = inkOf(mark);
  const over = Math.max(ink.x + ink.width - width, 0),
    before = Math.max(-ink.x, 0);
  return { ...mark, x: (mark.x || 0) - over + before };
}
