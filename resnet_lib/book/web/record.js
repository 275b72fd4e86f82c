/* The tables of the page "Your answers": each guess beside the truth. Book only. */

import { forgetAll } from "./answers.js";
import { make } from "./dom.js";
import { errorOf, inWords } from "./numbers.js";

/** @typedef {import("./answers.js").Answer} Answer */

/** @param {string} label @param {() => void} work */
export function button(label, work, name = label) {
  const made = make("button", { type: "button", textContent: label, ariaLabel: name });
  made.addEventListener("click", work);
  return made;
}

/** Where a guess lies beside the truth, from a hundredth of it to a hundred times as much.
 * @param {Answer} answer */
function rail({ value, truth }) {
  const ratio = Number(value) / Number(truth);
  const place = 50 + 25 * Math.max(-2, Math.min(2, ratio > 0 ? Math.log10(ratio) : ratio === 0 ? -2 : 0));
  return make("span", { className: "rl-rail", ariaHidden: "true" }, make("i", { style: `left:${place}%` }));
}

/** @param {Answer} answer @param {string[]} heads */
function row(answer, heads) {
  const { kind, text, guess, value, unit, right, name } = answer;
  const measured = kind === "number";
  const mine = measured ? `${inWords(Number(value))} ${unit}`.trim() : guess;
  const error = measured
    ? errorOf(Number(value), Number(answer.truth))
    : kind === "choice"
      ? right
        ? "right"
        : "otherwise"
      : right
        ? "solved"
        : "not yet";
  const sign = make("span", {
    className: right ? "rl-right" : "rl-wrong",
    ariaHidden: "true",
    textContent: right ? "✓ " : "✗ ",
  });
  const cells = [
    make("td", { textContent: mine.replaceAll("`", "") }),
    make("td", { textContent: answer.answer.replaceAll("`", "") }),
    make("td", {}, measured ? rail(answer) : sign, error),
  ];
  for (const [i, cell] of cells.entries()) cell.dataset.label = heads[i + 1]; // shown where the head is not, on a phone
  return make(
    "tr",
    {},
    make("th", { scope: "row", textContent: text || name }),
    ...cells,
    make(
      "td",
      {},
      button("Forget", () => forgetAll([answer]), `Forget: ${text || name}`),
    ),
  );
}

/** @param {string} caption @param {string[]} heads @param {Answer[]} list */
export function table(caption, heads, list) {
  if (!list.length) return [];
  const head = make(
    "tr",
    {},
    ...heads.map((textContent) => make("th", { scope: "col", textContent })),
    make("td", { className: "rl-last" }),
  );
  return [
    make(
      "table",
      {},
      make("caption", { textContent: caption }),
      make("thead", {}, head),
      make("tbody", {}, ...list.map((answer) => row(answer, heads))),
    ),
  ];
}
