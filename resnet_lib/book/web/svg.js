/* A mark of a scene as an SVG element, and a whole scene as SVG text: the same in node and in the page. */

import { lineWidth } from "./text.js";

/**
 * Something drawn. `points` makes a path, `width` a rectangle, `symbol` a mark of that kind, `lines` words. Colours are
 * CSS. `says` is what the reader is told of it, `clip` the number of the plot that it must not leave.
 * @typedef {{ key: string, x?: number, y?: number, width?: number, height?: number, points?: number[][],
 *   symbol?: string, size?: number, lines?: import("./text.js").Run[][], anchor?: string, fill?: string, stroke?: string,
 *   thick?: number, dash?: string, opacity?: number, says?: string, clip?: number, halo?: boolean }} Mark
 */
/** @typedef {{ width: number, height: number, clips: import("./text.js").Box[], marks: Mark[] }} Scene */

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

/** A scene as SVG.
 * @param {Scene} scene @param {Record<string, string>} [attributes] of the outermost element */
export function svg(scene, attributes = {}) {
  const open = (/** @type {string} */ name, /** @type {Record<string, string>} */ values) =>
    `<${name}${Object.entries(values)
      .map(([key, value]) => ` ${key}="${escaped(value)}"`)
      .join("")}>`;
  const drawn = (/** @type {Mark} */ mark) => {
    const [name, values, held] = element(mark);
    return `${open(name, values)}${held}</${name}>`;
  };
  const groups = [undefined, ...scene.clips.keys(), -1].map((clip) => {
    const inside = scene.marks
      .filter((mark) => mark.clip === clip)
      .map(drawn)
      .join("");
    return clip === undefined || clip === -1
      ? `<g>${inside}</g>`
      : `${open("svg", frame(scene.clips[clip]))}${inside}</svg>`;
  });
  const size = {
    viewBox: `0 0 ${scene.width} ${scene.height}`,
    width: String(scene.width),
    height: String(scene.height),
  };
  return `${open("svg", { xmlns: "http://www.w3.org/2000/svg", ...size, ...attributes })}${groups.join("")}</svg>`;
}

const FONTS = "'Source Sans 3', 'Source Sans Pro', 'Helvetica Neue', Arial, sans-serif"; // whose widths are near enough

/** A scene as a file that needs no page: colours written out, white paper, what it shows and where it is from.
 * @param {Scene} scene
 * @param {{ title: string, description: string, source: string, colour: (variable: string) => string }} about */
export function standalone(scene, { title, description, source, colour }) {
  const told =
    `<title>${escaped(title)}</title><desc>${escaped(description)}</desc>` +
    (source && `<metadata>${escaped(source)}</metadata>`);
  const style = "background: #fff; font-kerning: none; font-variant-numeric: tabular-nums lining-nums";
  const halo = 'paint-order="stroke" stroke="#fff" stroke-width="3" stroke-linejoin="round"';
  return svg(scene, { role: "img", "font-family": FONTS, style })
    .replace(">", () => `>${told}`)
    .replace(/class="rl-halo"/g, halo)
    .replace(/textLength=/g, 'lengthAdjust="spacingAndGlyphs" textLength=') // of whatever font there is
    .replace(/var\((--[\w-]+),([^)]*)\)/g, (_, name, otherwise) => colour(name) || otherwise);
}

/** The attributes of the inner SVG element that cuts off what leaves this box.
 * @param {import("./text.js").Box} box */
export function frame({ x, y, width, height }) {
  const [left, top, wide, high] = [x, y, width, height].map(round);
  return { x: left, y: top, width: wide, height: high, viewBox: `${left} ${top} ${wide} ${high}`, overflow: "hidden" };
}
