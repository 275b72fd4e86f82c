/* The marks of a figure's data: bars here, all else by traces.js. */

import { axesOf, bars, one } from "./extents.js";
import { colourOf, paint } from "./paint.js";
import { place } from "./scale.js";
import { lineWidth, lines } from "./text.js";
import { spoken } from "./told.js";
import { box, pointMarks } from "./traces.js";

/** @typedef {import("./mark.js").Mark} Mark */

const THIN = 1.5; // pixels of the thinnest bar: one that is there is seen

/** The marks of all data, in order, and the plots that they must not leave.
 * @param {Record<string, any>} figure @param {import("./layout.js").Axes} laid @param {number} size of the words
 * @returns {{ clips: import("./text.js").Box[], marks: Mark[] }} */
export function dataMarks(figure, laid, size) {
  const lengths = bars(figure);
  /** @type {import("./text.js").Box[]} */
  const clips = [];
  const plots = new Map();
  /** @type {Mark[]} */
  const marks = [];
  figure.data.forEach((/** @type {Record<string, any>} */ trace, /** @type {number} */ t) => {
    const [x, y] = axesOf(trace).map((id) => laid.axes[id].scale);
    const pair = String(axesOf(trace));
    if (!plots.has(pair)) {
      plots.set(pair, clips.length);
      clips.push(box(x, y));
    }
    const clip = trace.cliponaxis === false ? -1 : plots.get(pair);
    const bar = lengths.get(trace);
    if (bar) marks.push(...barMarks(trace, t, bar, x, y, clip, size));
    else marks.push(...pointMarks(trace, t, x, y, clip, size));
  });
  return { clips, marks };
}

/** @param {Record<string, any>} trace @param {number} t @param {{ from: number, to: number, at: number, wide: number }[]} bar
 * @param {import("./scale.js").Scale} x @param {import("./scale.js").Scale} y @param {number} clip @param {number} size
 * @returns {Mark[]} */
function barMarks(trace, t, bar, x, y, clip, size) {
  const flat = trace.orientation === "h";
  const [along, across] = flat ? [x, y] : [y, x];
  return bar.flatMap(({ from, to, at: middle, wide }, i) => {
    const [start, end] = [place(along, from), place(along, to)].sort((a, b) => a - b);
    const [low, high] = [place(across, middle - wide / 2), place(across, middle + wide / 2)].sort((a, b) => a - b);
    const long = to === from ? 0 : Math.max(end - start, THIN);
    const shape = flat
      ? { x: start, y: low, width: long, height: high - low }
      : { x: low, y: end - long, width: high - low, height: long };
    const colour = colourOf(trace.marker || {}, i);
    const says = spoken(trace, i, to - from);
    /** @type {Mark[]} */
    const marks = [
      {
        key: `bar ${t} ${i}`,
        ...shape,
        fill: paint(colour),
        opacity: one(trace.marker?.opacity, i) ?? trace.opacity,
        says,
        clip,
      },
    ];
    const words = one(trace.text, i);
    if (words && trace.textposition === "inside") {
      const runs = lines(words)[0];
      if (lineWidth(runs, size) + 8 <= long) {
        marks.push({
          key: `words ${t} ${i}`,
          x: shape.x + long / 2,
          y: (low + high) / 2 + 0.35 * size,
          lines: [runs],
          size,
          anchor: "middle",
          fill: paint(colour, "o"),
          clip,
        });
      }
    }
    return marks;
  });
}
