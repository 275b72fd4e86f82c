/* What the reader is told of an item of a figure, under the pointer or by a screen reader. */

import { one } from "./extents.js";
import { format, grouped } from "./format.js";

/** What the reader is told of an item: what the figure says of it, or the trace's name and the number.
 * @param {Record<string, any>} trace @param {number} i @param {number} value */
export function spoken(trace, i, value) {
  if (trace.hovertemplate) return filled(trace, i);
  const words = one(trace.hovertext, i) ?? trace.name;
  return words && trace.hovertext === undefined
    ? `${words}: ${grouped(value, { maximumSignificantDigits: 4 })}`
    : words;
}

/** A template with the item's values in it: "%{x:,d} layers: %{marker.color:.2f}".
 * @param {Record<string, any>} trace @param {number} i @returns {string} */
function filled(trace, i) {
  return trace.hovertemplate
    .replace("<extra></extra>", "")
    .replace(
      /%\{([\w.]+)(?::([^}]+))?\}/g,
      (/** @type {string} */ _, /** @type {string} */ path, /** @type {string} */ spec) => {
        const value = one(
          path.split(".").reduce((part, key) => part?.[key], trace),
          i,
        );
        return spec ? format(value, spec) : String(value);
      },
    );
}
