/* The marks of a trace that is not of bars: lines, areas, symbols, words at points. */

import { one } from "./extents.js";
import { colourOf, paint } from "./paint.js";
import { place } from "./scale.js";
import { lines } from "./text.js";
import { spoken } from "./told.js";

/** @typedef {import("./mark.js").Mark} Mark */

const ASIDE = 6; // pixels between a point and the words beside it

/** @param {import("./scale.js").Scale} x @param {import("./scale.js").Scale} y */
export function box(x, y) {
  const [left, right, top, bottom] = [
    Math.min(x.start, x.end),
    Math.max(x.start, x.end),
    Math.min(y.start, y.end),
    Math.max(y.start, y.end),
  ];
  return { x: left, y: top, width: right - left, height: bottom - top };
}

/** @param {Record<string, any>} trace @param {number} t @param {import("./scale.js").Scale} x @param {import("./scale.js").Scale} y
 * @param {number} clip @param {number} size @returns {Mark[]} */
export function pointMarks(trace, t, x, y, clip, size) {
  const points = trace.x.map((/** @type {number} */ value, /** @type {number} */ i) => [
    place(x, value),
    place(y, trace.y[i]),
  ]);
  const whole = points.filter((/** @type {number[]} */ point) => point.every(Number.isFinite));
  const mode = trace.mode || "lines",
    { opacity } = trace;
  /** @type {Mark[]} */
  const marks = [];
  if (trace.fill === "toself")
    marks.push({ key: `area ${t}`, points: whole, fill: paint(trace.line?.color), opacity, clip, says: trace.name });
  if (mode.includes("lines") && trace.line?.width !== 0) {
    const { color, width = 2, dash } = trace.line || {};
    marks.push({ key: `line ${t}`, points: whole, stroke: paint(color), thick: width, dash, opacity, clip });
  }
  points.forEach((/** @type {number[]} */ [px, py], /** @type {number} */ i) => {
    if (!Number.isFinite(px) || !Number.isFinite(py) || (trace.cliponaxis !== false && !inBox(box(x, y), px, py)))
      return;
    const marker = trace.marker || {},
      says = spoken(trace, i, trace.y[i]);
    const symbolSize = one(marker.size, i) ?? 8;
    if (mode.includes("markers") && symbolSize > 0) {
      const kind = one(marker.symbol, i) || "circle",
        open = kind.endsWith("-open");
      const colour = paint(colourOf(marker, i));
      const edge = open
        ? { stroke: colour, thick: 2 }
        : { stroke: paint(marker.line?.color), thick: marker.line?.width };
      marks.push({
        key: `point ${t} ${i}`,
        x: px,
        y: py,
        symbol: kind,
        size: symbolSize,
        fill: open ? "var(--rl-page,#ffffff)" : colour,
        ...edge,
        opacity: one(marker.opacity, i) ?? opacity,
        says,
        clip: -1,
      });
    } else if (says && trace.fill !== "toself") {
      marks.push({ key: `spot ${t} ${i}`, x: px, y: py, symbol: "circle", size: 8, fill: "none", says, clip });
    }
    const words = mode.includes("text") && one(trace.text, i);
    if (words) marks.push(beside(`words ${t} ${i}`, String(words).trim(), px, py, trace, i, size));
  });
  return marks;
}

/** Whether a point lies in a box, or on its edge.
 * @param {import("./text.js").Box} box @param {number} x @param {number} y */
function inBox(box, x, y) {
  return x > box.x - 1 && x < box.x + box.width + 1 && y > box.y - 1 && y < box.y + box.height + 1;
}

/** Words beside a point.
 * @param {string} key @param {string} words @param {number} x @param {number} y @param {Record<string, any>} trace
 * @param {number} i @param {number} size @returns {Mark} */
function beside(key, words, x, y, trace, i, size) {
  const position = one(trace.textposition, i) || "middle center";
  const aside = ASIDE + (one(trace.marker?.size, i) || 0) / 2;
  const right = position.endsWith("right"),
    left = position.endsWith("left");
  const up = position.startsWith("top"),
    down = position.startsWith("bottom");
  return {
    key,
    lines: lines(words),
    size,
    halo: true,
    clip: -1,
    x: x + (right ? aside : left ? -aside : 0),
    anchor: right ? "start" : left ? "end" : "middle",
    y: y + (up ? -aside : down ? aside + 0.7 * size : 0.35 * size),
    fill: paint(one(trace.textfont?.color, i), "i"),
  };
}
