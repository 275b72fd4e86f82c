/* The axes of a figure: which there are, what they span, and where they lie. */

import { axesOf, extents } from "./extents.js";
import { tickValues, tickWords } from "./scale.js";
import { lineWidth, lines } from "./text.js";

/** @typedef {import("./extents.js").Figure} Figure */
/** @typedef {{ id: string, spec: Record<string, any>, scale: import("./scale.js").Scale, other: string }} Axis */
/** @typedef {{ axes: Record<string, Axis>, height: number, area: import("./text.js").Box, ranges: Record<string, [number, number]> }} Axes */

export const TICK = 6; // pixels between an axis and the words at its ticks
const PAD = { l: 4, r: 12, t: 8, b: 8 };

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
