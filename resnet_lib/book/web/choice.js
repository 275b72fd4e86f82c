/* Buttons to choose from, and what is said to a choice. */

import { make } from "./dom.js";
import { judged, paragraph } from "./said.js";

/** @typedef {import("./said.js").Asked} Asked */
/** @typedef {import("./said.js").Box} Box */

/** Buttons to choose from. A prediction is made once; of a quiz each reply may be read.
 * @param {Asked} page @param {string} label @param {(guess: string) => void} answer @returns {Box} */
export function choices(page, label, answer) {
  const quiz = page.kind === "quiz";
  let told = false; // the truth
  const options = Object.keys(page.replies).map((option) => {
    const sign = make("span", { className: "rl-sign", ariaHidden: "true" });
    const button = make("button", { type: "button" }, sign, option.replaceAll("`", ""));
    button.addEventListener("click", () => {
      if (quiz || !told) answer(option);
    });
    return { option, sign, button };
  });
  /** @param {string | null} guess */
  function show(guess) {
    told = guess !== null && (told || !quiz || guess === page.answer);
    for (const { option, sign, button } of options) {
      const chosen = option === guess,
        right = told && option === page.answer;
      button.setAttribute("aria-pressed", String(chosen));
      button.className = right ? "rl-right" : chosen ? "rl-wrong" : "";
      sign.textContent = right ? "✓" : chosen ? "✗" : "○";
      if (!quiz && told) button.setAttribute("aria-disabled", "true");
      else button.removeAttribute("aria-disabled");
    }
  }
  show(null);
  const node = make(
    "div",
    { className: "rl-options", role: "group", ariaLabel: label },
    ...options.map(({ button }) => button),
  );
  return {
    node,
    reply(guess) {
      if (!Object.hasOwn(page.replies, guess)) return "";
      const right = guess === page.answer,
        because = page.replies[guess];
      if (quiz)
        return {
          guess,
          right,
          said: [judged(right, right ? "Right." : "Not this one.", because), ...(right ? following(node) : [])],
        };
      const said = judged(right, right ? "You guessed it:" : "You guessed otherwise. It is:", "");
      said.append(make("b", { textContent: page.answer.replaceAll("`", "") }));
      return { guess, right, said: [said, paragraph(because)] };
    },
    show(guess) {
      show(guess);
      if (guess === null) options[0].button.focus();
    },
  };
}

/** Where a reader goes on after the last question of a section of the book: a sentence, or nothing.
 * @param {HTMLElement} node */
function following(node) {
  const section = node.closest("section"),
    next = section?.nextElementSibling;
  const title = next?.matches("section[id]") ? next.querySelector("h2, h3")?.firstChild?.textContent : "";
  return next && title
    ? [make("p", { className: "rl-next" }, "Next: ", make("a", { href: `#${next.id}`, textContent: title }))]
    : [];
}
