/* The row above an explorer: its presets, Reset, and a button that brings back hidden controls. */

import { make } from "./dom.js";

/** @typedef {import("./formula.js").Page} Page */

/** `choose` is told the values of a preset and whether it was Reset; `showAll`, that all controls are wanted.
 * @param {Page} page @param {Record<string, any>} defaults
 * @param {{ choose: (preset: Record<string, any>, reset: boolean) => void, showAll: () => void }} listener */
export function presetRow(page, defaults, listener) {
  const buttons = Object.entries({ ...page.presets, Reset: {} }).map(([name, preset]) => {
    const button = make("button", { type: "button", textContent: name });
    const values = /** @type {Record<string, any>} */ ({ ...defaults, ...preset });
    const reset = name === "Reset";
    if (reset) button.className = "rl-reset";
    button.addEventListener("click", () => listener.choose(values, reset));
    return { button, values, reset };
  });
  const all = make("button", { type: "button", textContent: "Show all controls" });
  all.addEventListener("click", listener.showAll);
  return {
    node: make("div", { className: "rl-presets" }, ...buttons.map(({ button }) => button), all),

    /** Mark the preset that these values are; a preset that would set a hidden control is not what its name says.
     * @param {Record<string, any>} now @param {string[]} hidden */
    show(now, hidden) {
      all.hidden = !hidden.length;
      for (const { button, values, reset } of buttons) {
        if (reset) continue;
        const changed = page.controls.filter(({ name }) => values[name] !== now[name]);
        button.setAttribute("aria-pressed", String(!changed.length));
        button.hidden = changed.some(({ name }) => hidden.includes(name));
      }
    },
  };
}
