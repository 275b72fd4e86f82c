/* An explorer's settings in the page's address: #two-ways?channels=512&unit=MACs */

import { valuesOf } from "./controls.js";

/** The settings that the address gives to this explorer, or null. What no control can take is left at its default.
 * @param {string} hash @param {string} id @param {import("./controls.js").Control[]} controls */
export function settings(hash, id, controls) {
  const [name, query] = hash.replace(/^#/, "").split("?");
  if (name !== id || !query) return null;
  const wanted = new URLSearchParams(query);
  /** @type {Record<string, any>} */
  const found = {};
  for (const control of controls) {
    const text = wanted.get(control.name);
    const match =
      text !== null &&
      text.trim() !== "" &&
      valuesOf(control).find((value) =>
        control.options ? String(value) === text : Math.abs(value - Number(text)) < 1e-9,
      );
    found[control.name] = match === undefined || match === false ? control.value : match;
  }
  return found;
}

/** @param {string} id @param {Record<string, any>} values */
export function written(id, values) {
  return `#${id}?${new URLSearchParams(values)}`;
}

/** Bring an element into view when the page is at rest: what is above it may still grow.
 * @param {HTMLElement} node */
export function bring(node) {
  const go = () => requestAnimationFrame(() => node.scrollIntoView({ block: "center", behavior: "instant" }));
  if (document.readyState === "complete") return go();
  addEventListener("load", () => document.fonts.ready.then(go));
}
