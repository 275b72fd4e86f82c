/* A mark of a scene as an SVG element: the same in node and in the page. */

import { lineWidth } from "./text.js";

/**
 * Something drawn. `points` makes a path, `width` a rectangle, `symbol` a mark of that kind, `lines` words. Colours are
 * CSS. `says` is what the reader is told of it, `clip` the number of the plot that it must not leave.
 * @typedef {{ key: string, x?: number, y?: number, width?: number, height?: number, points?: number[][],
 *   symbol?: string, size?: number, lines?: import("./text.js").Run[][], anchor?: string, fill?: string, stroke?: string,
 *   thick?: number, dash?: string, opacity?: number, says?: string, clip?: number, halo?: boolean }} Mark
 */

export const LINE = 1.25; // lines of words, in their size
const DASHES = { dash: "6 4", dot: "1.5 4", ghost: "3 3" };

/** @param {number} value */
const round = (value) => String(Math.round(value * 100) / 100);

/** @param {string} text */
export const escaped = (text) =>
  text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");

/** The outline of a symbol around 0, 0. `size` is its diameter.
 * @param {string} kind @param {number} size */
function outline(kind, size) {
  const r = size / 2,
    d = round(r * 1.2),
    s = round(r * 0.9);
  if (kind.startsWith("square")) return `M-${s},-${s}H${s}V${s}H-${s}Z`;
  if (kind.startsWith("diamond")) return `M0,-${d}L${d},0L0,${d}L-${d},0Z`;
  return `M-${round(r)},0a${round(r)},${round(r)} 0 1 1 ${round(2 * r)},0a${round(r)},${round(r)} 0 1 1 -${round(2 * r)},0Z`;
}

/** The element of a mark: its name, its attributes, and what it holds.
 * @param {Mark} mark @returns {[string, Record<string, string>, string]} */
export function element(mark) {
  /** @type {Record<string, string>} */
  const paint = { fill: mark.fill || "none" };
  if (mark.stroke && mark.thick) Object.assign(paint, { stroke: mark.stroke, "stroke-width": round(mark.thick) });
  if (mark.dash && mark.dash !== "solid") paint["stroke-dasharray"] = DASHES[/** @type {"dot"} */ (mark.dash)];
  if (mark.opacity !== undefined && mark.opacity < 1) paint.opacity = round(mark.opacity);
  const { x = 0, y = 0, width = 0, height = 0, size = 15 } = mark;
  if (mark.lines) return words(mark, x, y, size, paint);
  if (mark.points) {
    const d =
      mark.points.map(([px, py], i) => `${i ? "L" : "M"}${round(px)},${round(py)}`).join("") + (mark.fill ? "Z" : "");
    return [
      "path",
      { d, ...paint, "stroke-linejoin": "round", "stroke-linecap": mark.dash === "dot" ? "round" : "butt" },
      "",
    ];
  }
  if (mark.symbol)
    return ["path", { d: outline(mark.symbol, size), transform: `translate(${round(x)} ${round(y)})`, ...paint }, ""];
  return ["rect", { x: round(x), y: round(y), width: round(width), height: round(height), ...paint }, ""];
}

/** @param {Mark} mark @param {number} x @param {number} y @param {number} size @param {Record<string, string>} paint
 * @returns {[string, Record<string, string>, string]} */
function words(mark, x, y, size, paint) {
  const anchor = mark.anchor || "start";
  const held = (mark.lines || []).map((runs, i) => {
    const spans = runs.map(({ text, bold }) =>
      bold ? `<tspan font-weight="600">${escaped(text)}</tspan>` : escaped(text),
    );
    // The width that the scene was laid out with, whatever the font: words never come to lie over others.
    const length = round(lineWidth(runs, size));
    return `<tspan x="${round(x)}" y="${round(y + i * LINE * size)}" textLength="${length}">${spans.join("")}</tspan>`;
  });
  /** @type {Record<string, string>} */
  const halo = mark.halo ? { class: "rl-halo" } : {};
  return ["text", { "font-size": round(size), "text-anchor": anchor, ...halo, ...paint }, held.join("")];
}

/** The attributes of the inner SVG element that cuts off what leaves this box.
 * @param {import("./text.js").Box} box */
export function frame({ x, y, width, height }) {
  const [left, top, wide, high] = [x, y, width, height].map(round);
  return { x: left, y: top, width: wide, height: high, viewBox: `${left} ${top} ${wide} ${high}`, overflow: "hidden" };
}
