/* An explorer's settings in the page's address: #two-ways?channels=512&unit=MACs, and with &hide=width,unit without these
   controls. */

import { valuesOf } from "./controls.js";

/** @typedef {import("./controls.js").Control} Control */

/** What the address asks of this explorer, or null.
 * @param {string} hash @param {string} id */
function asked(hash, id) {
  const [name, query] = hash.replace(/^#/, "").split("?");
  return name === id && query ? new URLSearchParams(query) : null;
}

/** The settings that the address gives to this explorer, or null. What no control can take is left at its default.
 * @param {string} hash @param {string} id @param {Control[]} controls */
export function settings(hash, id, controls) {
  const wanted = asked(hash, id);
  if (!wanted) return null;
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

/** The names of the controls that the address hides; others in its list are ignored.
 * @param {string} hash @param {string} id @param {Control[]} controls */
export function hiddenNames(hash, id, controls) {
  const names = (asked(hash, id)?.get("hide") || "").split(",").map((name) => name.trim());
  return controls.map(({ name }) => name).filter((name) => names.includes(name));
}

/** @param {string} id @param {Record<string, any>} values @param {string[]} [hidden] names of controls */
export function written(id, values, hidden = []) {
  return `#${id}?${new URLSearchParams(values)}${hidden.length ? `&hide=${hidden}` : ""}`;
}

/** Bring an element into view when the page is at rest: what is above it may still grow.
 * @param {HTMLElement} node */
export function bring(node) {
  const go = () => requestAnimationFrame(() => node.scrollIntoView({ block: "center", behavior: "instant" }));
  if (document.readyState === "complete") return go();
  addEventListener("load", () => document.fonts.ready.then(go));
}

/** Restore what the address asks for, now and whenever it changes, and bring it into view. Returns whether there was
 * something to restore now.
 * @param {() => boolean} restore @param {() => void} show */
export function follow(restore, show) {
  addEventListener("hashchange", () => restore() && show());
  const found = restore();
  const [visit] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType("navigation"));
  if (found && visit?.type === "navigate") show(); // not after a reload, when the reader was reading elsewhere
  return found;
}
