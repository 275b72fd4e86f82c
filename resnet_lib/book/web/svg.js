/* A whole scene as SVG text: the same in node and in the page. */

import { element, escaped, frame } from "./mark.js";

/** @typedef {import("./mark.js").Mark} Mark */
/** @typedef {{ width: number, height: number, clips: import("./text.js").Box[], marks: Mark[] }} Scene */

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
