/* A field for a number: a prediction, or an exercise's answer; what is said to it. */

import { make } from "./dom.js";
import { inWords, readNumber, verdictOf } from "./numbers.js";
import { judged, paragraph } from "./said.js";

/** @typedef {import("./said.js").Asked} Asked */
/** @typedef {import("./said.js").Reply} Reply */
/** @typedef {import("./said.js").Box} Box */

const A_NUMBER = "A guess is a number here, such as 12 or 0.5.";
const NOT_NEGATIVE = "This number cannot be negative.";

/** The guess and the truth as bars.
 * @param {Asked} page @param {number} guess */
function bars(page, guess) {
  const most = Math.max(guess, page.truth, Number.MIN_VALUE);
  /** @param {string} name @param {number} value @param {string} words */
  const row = (name, value, words, className = "") => [
    make("span", { textContent: name }),
    make("span", {}, make("i", { className, style: `width:${Math.max(0, 100 * (value / most))}%` })),
    make("span", { textContent: words }),
  ];
  const mine = `${inWords(guess)} ${page.unit}`.trim();
  return make(
    "div",
    { className: "rl-bars" },
    ...row("You", guess, mine, "rl-mine"),
    ...row("Computed", page.truth, page.answer),
  );
}

/** What to say to a guess of a number.
 * @param {Asked} page @param {string} guess @returns {Reply | string} */
function compared(page, guess) {
  const value = readNumber(guess, page.unit);
  if (!Number.isFinite(value)) return A_NUMBER;
  if (value < 0 && page.truth >= 0) return NOT_NEGATIVE;
  const verdict = verdictOf(value, page.truth);
  const near = page.answers.find(([number]) => Math.abs(value - number) <= page.within * Math.abs(number));
  return {
    guess,
    value,
    right: /^(Exactly|Close)/.test(verdict),
    said: [bars(page, value), paragraph([verdict, near?.[1], page.replies[""]].filter(Boolean).join(" "))],
  };
}

/** What to say to the answer of an exercise. The same as Number.check in Python.
 * @param {Asked} page @param {string} guess @returns {Reply | string} */
function checked(page, guess) {
  const value = readNumber(guess, page.wants);
  /** @param {number} other */
  const near = (other) => Math.abs(value - other) <= page.within * Math.abs(other);
  if (!Number.isFinite(value)) return page.unreadable.number;
  if (value < 0) return page.unreadable.negative;
  if (page.whole && value !== Math.round(value)) return page.unreadable.whole;
  const found = page.answers.findIndex(([answer]) => near(answer)),
    right = found === 0;
  const said = [judged(right, right ? "Right." : "Not yet.", found < 0 ? page.otherwise : page.answers[found][1])];
  const understood = inWords(value, 12); // "1,5" was one and a half
  if (!right && guess.trim() !== understood && Number(guess) !== value)
    said.push(paragraph(`Your answer was read as ${understood}.`, "rl-read"));
  return { guess, value, right, said };
}

/** A field for a number.
 * @param {Asked} page @param {string} label @param {(guess: string) => void} answer @returns {Box} */
export function field(page, label, answer) {
  const prediction = page.kind === "number";
  const input = make("input", {
    type: "text",
    inputMode: "decimal",
    autocomplete: "off",
    maxLength: 60,
    ariaLabel: label,
  });
  const button = make("button", { type: "submit", textContent: prediction ? "That is my guess" : "Check" });
  const node = make("form", {}, input, page.unit ? make("span", { textContent: page.unit }) : "", button);
  node.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!input.readOnly) answer(input.value);
  });
  return {
    node,
    reply: (guess) => (prediction ? compared : checked)(page, guess),
    show(guess) {
      input.value = guess ?? "";
      input.readOnly = button.hidden = prediction && guess !== null; // the truth is known now
      if (guess === null) input.focus();
    },
  };
}
