/* The numbers beside a figure. */

import { make } from "./dom.js";

/** The list of numbers beside a figure. */
export function numberList() {
  const list = make("dl", { className: "rl-numbers" });
  /** @type {Map<string, HTMLElement>} */
  const cells = new Map();
  return {
    list,
    /** @param {Record<string, string>} numbers */
    show(numbers) {
      for (const [label, value] of Object.entries(numbers)) {
        let cell = cells.get(label);
        if (!cell) {
          cell = make("dd", {});
          list.append(make("div", {}, make("dt", { textContent: label }), cell));
          cells.set(label, cell);
        }
        cell.textContent = value;
      }
      for (const [label, cell] of cells) /** @type {HTMLElement} */ (cell.parentElement).hidden = !(label in numbers);
    },
  };
}
