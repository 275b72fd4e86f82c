/* Colours, as a figure gives them and as the page writes them. */

import { one } from "./extents.js";

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
export function colourOf(marker, i) {
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
