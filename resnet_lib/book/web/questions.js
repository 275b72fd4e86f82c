/* Questions without a kernel: predictions that the page remembers, quizzes, and the box in which a number is checked. */

import { chapterHere, forget, remember, remembered } from "./answers.js";
import { make } from "./dom.js";
import { inWords, readNumber, verdictOf } from "./numbers.js";
import { followTheme } from "./theme.js";

/**
 * @typedef {object} Asked what Python says about a question (resnet_lib/book/ask)
 * @property {"number" | "choice" | "quiz" | "exercise"} kind
 * @property {string} name
 * @property {string} answer
 * @property {Record<string, string>} replies HTML
 * @property {number} truth
 * @property {string} unit
 * @property {string} title of an exercise, and what else one has:
 * @property {string} wants
 * @property {[number, string][]} answers the first is right
 * @property {number} within
 * @property {boolean} whole
 * @property {string} otherwise
 * @property {Record<"number" | "whole" | "negative", string>} unreadable
 *
 * @typedef {{ guess: string, value?: number, right: boolean, said: Node[] }} Reply `right` and `said` to a guess
 * @typedef {{ node: HTMLElement, reply: (guess: string) => Reply | string, show: (guess: string | null) => void }} Box
 *   where a guess is made; what is said to it, or why it is not understood; and the guess shown, or nothing
 */

const DENIED = "Your browser does not let this page remember answers: they are gone when you leave it.";
const A_NUMBER = "A guess is a number here, such as 12 or 0.5.";
const NOT_NEGATIVE = "This number cannot be negative.";

/** @param {string} html */
const paragraph = (html, className = "") => make("p", { innerHTML: html, className });

/** What is said first: right or not, with a sign and not by colour alone.
 * @param {boolean} right @param {string} words @param {string} html what follows */
function judged(right, words, html) {
  return paragraph(`<b>${right ? "✓" : "✗"} ${words}</b> ${html}`, right ? "rl-right" : "rl-wrong");
}

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
  return {
    guess,
    value,
    right: /^(Exactly|Close)/.test(verdict),
    said: [bars(page, value), paragraph(`${verdict} ${page.replies[""]}`)],
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
function field(page, label, answer) {
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

/** Buttons to choose from. A prediction is made once; of a quiz each reply may be read.
 * @param {Asked} page @param {string} label @param {(guess: string) => void} answer @returns {Box} */
function choices(page, label, answer) {
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

/** Bring a question's element to life.
 * @param {Asked} page @param {HTMLOrSVGScriptElement | null} [script] that calls it */
export function ask(page, script = document.currentScript) {
  const root = /** @type {HTMLElement} */ (
    script?.closest("[data-rl-question]") ||
      document.querySelector(`[data-rl-question="${page.name}"]:not([data-rl-live])`)
  );
  root.dataset.rlLive = "";
  followTheme(root);
  const folded = root.querySelector(".rl-folded"),
    asked = root.querySelector(".rl-ask");
  if (folded) /** @type {HTMLElement} */ (folded).hidden = true;
  const text = asked
    ? [...asked.childNodes]
        .slice(1)
        .map((part) => part.textContent)
        .join("")
        .trim()
    : `${page.title}: ${page.wants}`;
  const label = asked ? text : page.title;
  const typed = page.kind === "number" || page.kind === "exercise";

  const replies = make("div", { className: "rl-reply", role: "status" });
  const again = make("button", { type: "button", className: "rl-again", hidden: true });
  again.textContent = page.kind === "number" || page.kind === "choice" ? "Guess again" : "Start over";
  const box = (typed ? field : choices)(page, label, answer);

  /** Reply to a guess, or say why there is no reply. Returns the reply.
   * @param {string} guess */
  function tell(guess) {
    const reply = box.reply(guess);
    if (typeof reply === "string") {
      replies.replaceChildren(page.kind === "exercise" ? judged(false, "Not yet.", reply) : paragraph(reply));
      return null;
    }
    box.show(guess);
    replies.replaceChildren(...reply.said);
    again.hidden = false;
    return reply;
  }

  /** @param {string} guess the reader's, now */
  function answer(guess) {
    const reply = tell(guess);
    if (!reply) return;
    const { right, value = null } = reply,
      known = right || page.kind === "number" || page.kind === "choice";
    const truth = page.kind === "number" ? page.truth : page.kind === "exercise" && known ? page.answers[0][0] : null;
    const kept = remember({
      kind: page.kind,
      name: page.name,
      chapter: chapterHere(),
      text,
      guess,
      value,
      truth,
      answer: known ? page.answer || inWords(Number(truth), 6) : "",
      unit: page.unit || "",
      right,
    });
    if (!kept && !document.querySelector(".rl-denied")) replies.after(paragraph(DENIED, "rl-denied"));
  }

  again.addEventListener("click", () => {
    forget(page.name);
    replies.replaceChildren();
    again.hidden = true;
    box.show(null);
  });
  root.append(box.node, replies, again);
  const before = remembered(page.name);
  if (before && (before.kind !== page.kind || !tell(before.guess))) {
    forget(page.name); // asked otherwise since then
    replies.replaceChildren();
  }
}
