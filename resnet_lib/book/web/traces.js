/* The marks of a figure's data: bars, lines, areas, symbols, and words at points or inside bars. */

import { axesOf, bars, one } from "./axes.js";
import { place } from "./scale.js";
import { lineWidth, lines } from "./text.js";

/** @typedef {import("./svg.js").Mark} Mark */

export const THIN = 1.5; // pixels of the thinnest bar: one that is there is seen
const ASIDE = 6; // pixels between a point and the words beside it

/** A colour as the page writes it: the book's own follow the theme, by variables named after them (colours.py).
 * `as` is what it colours: "c" a shape, "i" words on the page, "o" words on a shape of this colour.
 * @param {string | undefined} colour @param {"c" | "i" | "o"} as */
export function paint(colour, as = "c") {
  const hex = /^#([0-9a-f]{6})$/i.exec(colour || "");
  if (!hex) return colour || "var(--rl-ink,#24292f)";
  return `var(--${as}-${hex[1].toUpperCase()},${as === "o" ? "#111111" : colour})`;
}

/** A value on a scale of colours, [[0, "#ffffff"], [1, "#000000"]].
 * @param {any} marker @param {number} i */
function colourOf(marker, i) {
  const value = one(marker.color, i);
  if (typeof value !== "number") return value;
  const { colorscale, cmin = 0, cmax = 1 } = marker;
  const share = Math.min(1, Math.max(0, (value - cmin) / (cmax - cmin)));
  const upper = Math.max(
    1,
    colorscale.findIndex((/** @type {[number, string]} */ [stop]) => stop >= share),
  );
  const [[from, a], [to, b]] = [colorscale[upper - 1], colorscale[upper]];
  const channels = (/** @type {string} */ colour) =>
    colour.startsWith("#")
      ? [1, 3, 5].map((k) => parseInt(colour.slice(k, k + 2), 16))
      : (colour.match(/[\d.]+/g) || []).slice(0, 3).map(Number);
  const t = to > from ? (share - from) / (to - from) : 0;
  const [ca, cb] = [channels(a), channels(b)];
  return `rgb(${ca.map((channel, k) => Math.round(channel + t * (cb[k] - channel))).join(",")})`;
}

/** The marks of all data, in order, and the plots that they must not leave.
 * @param {Record<string, any>} figure @param {import("./axes.js").Axes} laid @param {number} size of the words
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

/** @param {import("./scale.js").Scale} x @param {import("./scale.js").Scale} y */
function box(x, y) {
  const [left, right, top, bottom] = [
    Math.min(x.start, x.end),
    Math.max(x.start, x.end),
    Math.min(y.start, y.end),
    Math.max(y.start, y.end),
  ];
  return { x: left, y: top, width: right - left, height: bottom - top };
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

/** @param {Record<string, any>} trace @param {number} t @param {import("./scale.js").Scale} x @param {import("./scale.js").Scale} y
 * @param {number} clip @param {number} size @returns {Mark[]} */
function pointMarks(trace, t, x, y, clip, size) {
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
    } else if (trace.hovertext || trace.name) {
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

/** What the reader is told of an item: what the figure says of it, or the trace's name and the number.
 * @param {Record<string, any>} trace @param {number} i @param {number} value */
function spoken(trace, i, value) {
  const words = one(trace.hovertext, i) ?? trace.name;
  return words && trace.hovertext === undefined
    ? `${words}: ${value.toLocaleString("en-US", { maximumSignificantDigits: 4 })}`
    : words;
}
