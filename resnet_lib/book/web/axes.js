/* The axes of a figure: which there are, what they span, and where they lie. */

import { at, tickValues, tickWords } from "./scale.js";
import { lineWidth, lines } from "./text.js";

/** @typedef {Record<string, any>} Figure A Plotly figure, as far as the page draws it (see tests/test_scene.py). */
/** @typedef {{ id: string, spec: Record<string, any>, scale: import("./scale.js").Scale, other: string }} Axis */
/** @typedef {{ axes: Record<string, Axis>, height: number, area: import("./text.js").Box, ranges: Record<string, [number, number]> }} Axes */

export const LEAST = 11; // pixels of the smallest words
const TICK = 6; // pixels between an axis and the words at its ticks
const PAD = { l: 4, r: 12, t: 8, b: 8 };

/** The names of a trace's axes: ["x", "y2"].
 * @param {Record<string, any>} trace @returns {[string, string]} */
export function axesOf(trace) {
  return [trace.xaxis || "x", trace.yaxis || "y"];
}

/** Where the bars of a trace begin and how long they are, with those below them in a stack.
 * @param {Figure} figure @returns {Map<Record<string, any>, { from: number, to: number, at: number, wide: number }[]>} */
export function bars(figure) {
  const heights = new Map(),
    found = new Map();
  for (const trace of figure.data) {
    if (trace.type !== "bar") continue;
    const [positions, values] = trace.orientation === "h" ? [trace.y, trace.x] : [trace.x, trace.y];
    found.set(
      trace,
      values.map((/** @type {number} */ value, /** @type {number} */ i) => {
        const key = `${axesOf(trace)} ${positions[i]}`;
        const base = one(trace.base, i) ?? (figure.layout.barmode === "stack" ? heights.get(key) || 0 : 0);
        heights.set(key, base + value);
        const wide = one(trace.width, i) ?? 1 - (figure.layout.bargap ?? 0.2);
        return { from: base, to: base + value, at: positions[i], wide };
      }),
    );
  }
  return found;
}

/** An entry of a list, or the value that holds for all.
 * @param {any} value @param {number} i */
export function one(value, i) {
  return Array.isArray(value) ? value[i] : value;
}

/** What the data of each axis span, by its name: positions, on a logarithmic axis exponents.
 * @param {Figure} figure @returns {Record<string, [number, number]>} */
export function extents(figure) {
  /** @type {Record<string, [number, number]>} */
  const spans = {};
  const reach = (/** @type {string} */ id, /** @type {number[]} */ values) => {
    const log = figure.layout[id.replace(/^[xy]/, "$&axis")]?.type === "log";
    for (const value of values) {
      const position = log ? Math.log10(value) : value;
      if (!Number.isFinite(position)) continue;
      const span = (spans[id] ||= [position, position]);
      span[0] = Math.min(span[0], position);
      span[1] = Math.max(span[1], position);
    }
  };
  const lengths = bars(figure);
  for (const trace of figure.data) {
    const [x, y] = axesOf(trace);
    const bar = lengths.get(trace);
    if (bar) {
      const [along, across] = trace.orientation === "h" ? [x, y] : [y, x];
      reach(
        along,
        bar.flatMap(({ from, to }) => [from, to]),
      );
      reach(
        across,
        bar.flatMap(({ at: middle, wide }) => [middle - wide / 2, middle + wide / 2]),
      );
    } else {
      reach(x, trace.x);
      reach(y, trace.y);
    }
  }
  return spans;
}

/** The ends of an axis whose figure does not fix them: what its data span, and a little more.
 * @param {[number, number]} span @param {Record<string, any>} spec @returns {[number, number]} */
function loose([low, high], spec) {
  const room = 0.05 * (high - low || 1);
  const zero = spec.rangemode === "tozero" && spec.type !== "log";
  return [zero ? Math.min(0, low) : low - room, zero ? Math.max(high, 0) / 0.95 || 1 : high + room];
}

/** @param {[number, number] | undefined} a @param {[number, number] | undefined} b @returns {[number, number]} */
function union(a, b) {
  const [x, y] = [a || b || [0, 1], b || a || [0, 1]];
  return [Math.min(x[0], y[0]), Math.max(x[1], y[1])];
}

/** Lay the axes out in a drawing of that width. An axis that the figure does not fix spans its data, and those of the
 * `ghost`; one that is `held` only grows.
 * @param {Figure} figure @param {number} width @param {number} size of the words
 * @param {Record<string, [number, number]>} held @param {Figure | null} ghost @returns {Axes} */
export function layAxes(figure, width, size, held, ghost) {
  const { layout } = figure;
  const ids = Object.keys(layout)
    .filter((key) => /^[xy]axis\d*$/.test(key))
    .map((key) => key.replace("axis", ""));
  for (const trace of figure.data) ids.push(...axesOf(trace).filter((id) => !ids.includes(id)));
  const spans = extents(figure),
    before = ghost ? extents(ghost) : {};
  const margin = { ...PAD, ...layout.margin, b: PAD.b };
  const height = layout.height || 360;
  /** @type {Axes} */
  const result = { axes: {}, height, area: { x: 0, y: 0, width, height }, ranges: {} };
  for (const id of ids) {
    const spec = layout[id.replace(/^[xy]/, "$&axis")] || {};
    const needed = loose(union(spans[id], held[id] ? undefined : before[id]), spec);
    const [from, to] = spec.range || union(needed, held[id]);
    if (!spec.range) result.ranges[id] = [from, to];
    const other = spec.anchor || (id[0] === "x" ? `y${id.slice(1)}` : `x${id.slice(1)}`);
    result.axes[id] = { id, spec, other, scale: { log: spec.type === "log", from, to, start: 0, end: 0 } };
  }
  const all = Object.values(result.axes);
  for (const axis of all) {
    const { spec, scale } = axis;
    if (spec.visible === false) continue;
    if (axis.id[0] === "x" && domain(all, axis.other)[0] === 0) {
      margin.b = Math.max(margin.b, TICK + 1.4 * size + (spec.title?.text ? 1.6 * size : 0));
    }
    if (axis.id[0] === "y" && domain(all, axis.other)[0] === 0) {
      const words = tickWords(tickValues({ ...scale, start: height, end: 0 }, spec, 6), spec);
      const widest = Math.max(0, ...words.map((text) => lineWidth(lines(text)[0], size)));
      margin.l = Math.max(margin.l, TICK + widest + 2);
    }
    if (axis.id[0] === "y" && spec.title?.text && (spec.domain || [0, 1])[1] === 1)
      margin.t = Math.max(margin.t, 1.8 * size);
  }
  const wide = width - margin.l - margin.r,
    high = height - margin.t - margin.b;
  result.area = { x: margin.l, y: margin.t, width: wide, height: high };
  for (const { id, spec, scale } of all) {
    const [start, end] = spec.domain || [0, 1];
    if (id[0] === "x") Object.assign(scale, { start: margin.l + start * wide, end: margin.l + end * wide });
    else Object.assign(scale, { start: margin.t + (1 - start) * high, end: margin.t + (1 - end) * high });
  }
  for (const axis of all) if (axis.spec.scaleanchor) square(axis, result.axes[axis.spec.scaleanchor]);
  return result;
}

/** @param {Axis[]} all @param {string} id @returns {[number, number]} */
function domain(all, id) {
  return all.find((axis) => axis.id === id)?.spec.domain || [0, 1];
}

/** Make a unit as long on one axis as on the other, by drawing the longer one closer together.
 * @param {Axis} a @param {Axis} b */
function square(a, b) {
  const unit = (/** @type {Axis} */ { scale }) => Math.abs((scale.end - scale.start) / (scale.to - scale.from));
  const least = Math.min(unit(a), unit(b));
  for (const { scale, spec } of [a, b]) {
    const length = Math.sign(scale.end - scale.start) * least * Math.abs(scale.to - scale.from);
    const spare = scale.end - scale.start - length;
    const shift = { left: 0, bottom: 0, right: 1, top: 1 }[/** @type {"left"} */ (spec.constraintoward)] ?? 0.5;
    scale.start += shift * spare;
    scale.end = scale.start + length;
  }
}

/** The marks of the axes: lines of the grid, words at the ticks, titles. `box` gives a pair of axes its place.
 * @param {Axes} laid @param {number} size @returns {import("./svg.js").Mark[]} */
export function axisMarks({ axes }, size) {
  /** @type {import("./svg.js").Mark[]} */
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
 * @returns {import("./svg.js").Mark}
 * @param {string} id @param {string} text @param {import("./scale.js").Scale} scale @param {{ start: number, end: number }} across
 * @param {number} size */
function title(id, text, scale, across, size) {
  const words = { lines: lines(text), size, fill: "var(--rl-quiet,#57606a)" };
  if (id[0] === "x")
    return { key: `title ${id}`, ...words, x: scale.end, y: across.start + TICK + 2.6 * size, anchor: "end" };
  return { key: `title ${id}`, ...words, x: across.start, y: scale.end - 0.6 * size, anchor: "start" };
}
