/* Scales, from data to pixels, and their ticks. */

import { grouped } from "./format.js";

/**
 * `from` and `to` are the ends of the axis: numbers, on a logarithmic axis exponents of ten. `start` and `end` are
 * where they lie, in pixels.
 * @typedef {{ log: boolean, from: number, to: number, start: number, end: number }} Scale
 */

const PREFIXES = [
  [1e12, " T"],
  [1e9, " G"],
  [1e6, " M"],
  [1e3, " k"],
];

/** Where a position lies: a number, on a logarithmic axis an exponent.
 * @param {Scale} scale @param {number} position */
export function at(scale, position) {
  return scale.start + ((position - scale.from) / (scale.to - scale.from)) * (scale.end - scale.start);
}

/** Where a value lies.
 * @param {Scale} scale @param {number} value */
export function place(scale, value) {
  return at(scale, scale.log ? Math.log10(value) : value);
}

/** The position, a number or an exponent, that lies there.
 * @param {Scale} scale @param {number} pixel */
export function invert(scale, pixel) {
  return scale.from + ((pixel - scale.start) / (scale.end - scale.start)) * (scale.to - scale.from);
}

/** The smallest of 1, 2, 5, 10, 20 … that divides a length into at most so many steps.
 * @param {number} length @param {number} most */
export function step(length, most) {
  const power = 10 ** Math.floor(Math.log10(length / most));
  return [1, 2, 5, 10].map((factor) => factor * power).find((size) => length / size <= most * (1 + 1e-9)) || 10 * power;
}

/** The values of the ticks of an axis, at most so many if the axis does not say which.
 * @param {Scale} scale @param {Record<string, any>} axis @param {number} most @returns {number[]} */
export function tickValues(scale, axis, most) {
  const low = Math.min(scale.from, scale.to),
    high = Math.max(scale.from, scale.to);
  const inside = (/** @type {number} */ position) => position >= low - 1e-9 && position <= high + 1e-9;
  if (axis.tickvals) return axis.tickvals.filter((/** @type {number} */ v) => inside(scale.log ? Math.log10(v) : v));
  const size = scale.log
    ? Math.max(1, Math.ceil((high - low) / most))
    : axis.dtick || step(high - low, axis.nticks || most);
  const values = [];
  for (let i = Math.ceil(low / size - 1e-9); i * size <= high + 1e-9 * size; i++) {
    values.push(scale.log ? 10 ** (i * size) : Number((i * size).toPrecision(12)));
  }
  return values;
}

/** A number in few characters, as its neighbour, the largest, is written: 20 k, 1.5 G, −3.
 * @param {number} value @param {number} largest */
export function short(value, largest) {
  const found = Math.abs(largest) >= 1e4 && PREFIXES.find(([size]) => Math.abs(largest) >= Number(size));
  const [size, prefix] = found && value !== 0 ? found : [1, ""];
  return grouped(Number((value / Number(size)).toPrecision(4)), { maximumFractionDigits: 6 }) + prefix;
}

/** What stands at the ticks.
 * @param {number[]} values @param {Record<string, any>} axis @returns {string[]} */
export function tickWords(values, axis) {
  const largest = Math.max(...values.map(Math.abs));
  return values.map((value) => {
    if (axis.ticktext) return axis.ticktext[axis.tickvals.indexOf(value)];
    if (axis.tickformat) return `${Number((100 * value).toFixed(6))} %`; // the one that figures use: ".0%"
    return short(value, axis.type === "log" ? value : largest);
  });
}
