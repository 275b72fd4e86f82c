/* How far the reader is: the marks in the sidebar, and the page "Your answers" with a section for each chapter. Book only. */

import { answers, exported, forgetAll } from "./answers.js";
import { whenAnswered } from "./entries.js";
import { pages, progressOf } from "./done.js";
import { make, saveFile } from "./dom.js";
import { inWords } from "./numbers.js";
import { button, table } from "./record.js";
import { markSidebar } from "./sidebar.js";

/** @typedef {import("./answers.js").Answer} Answer */

/** @param {string} name @param {Answer[]} list of one chapter */
function chapter(name, list) {
  const page = pages().find((page) => page.name === name),
    title = page ? page.title : name;
  const of = (/** @type {string[]} */ ...kinds) => list.filter(({ kind }) => kinds.includes(kind));
  const figures = of("explorer")
    .map(({ text }) => text)
    .sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  const order = [...(page?.predicted || []), ...(page?.solved || [])];
  list.sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
  return make(
    "section",
    {},
    make("h2", {}, page ? make("a", { href: `${name}.html`, textContent: title }) : title),
    page
      ? make(
          "p",
          { className: "rl-count" },
          ...progressOf(page, list).map(({ shape, words }) => make("span", { className: "rl-progress" }, shape, words)),
        )
      : "",
    ...table("Predictions", ["Question", "You", "Computed", "Your guess was"], of("number", "choice")),
    ...table("Quizzes and exercises", ["Question", "You", "Right answer", "Result"], of("quiz", "exercise")),
    figures.length ? make("p", { textContent: `Explored: ${figures.join(", ")}.` }) : "",
    make(
      "p",
      {},
      button("Forget this chapter", () => forgetAll(list), `Forget this chapter: ${title}`),
    ),
  );
}

/** "You have guessed 5 numbers. Half of the guesses are within a factor of about 1.8 of the truth."
 * @param {Answer[]} list */
function summary(list) {
  const ratios = list
    .filter(({ kind }) => kind === "number")
    .map(({ value, truth }) => {
      const ratio = Number(value) / Number(truth);
      return ratio > 0 ? Math.max(ratio, 1 / ratio) : Infinity;
    })
    .sort((a, b) => a - b);
  const middle = ratios[Math.floor((ratios.length - 1) / 2)];
  if (ratios.length < 3 || middle > 1e15) return [];
  const range = middle < 1.1 ? "10 %" : `a factor of about ${inWords(Number(middle.toPrecision(2)))}`;
  return [
    make("p", {
      textContent: `You have guessed ${ratios.length} numbers. Half of the guesses are within ${range} of the truth.`,
    }),
  ];
}

/** @param {Element} root @param {Answer[] | null} list */
function showAnswers(root, list) {
  const say = (/** @type {string} */ textContent) =>
    root.replaceChildren(make("p", { className: "rl-empty", textContent }));
  if (!list) return say("Your browser does not let this page remember anything, so there is no list.");
  if (!list.length)
    return say(
      "There is nothing here yet. When you make a prediction, use an explorer, or answer a quiz or an exercise in a chapter, it appears here: your guess beside the truth, and how far it was off.",
    );
  const order = pages().map(({ name }) => name);
  const names = [...new Set(list.map((answer) => answer.chapter))].sort(
    (a, b) => (order.indexOf(a) + 1 || 99) - (order.indexOf(b) + 1 || 99),
  );
  const all = () => {
    if (confirm("Forget all your answers in this book?")) forgetAll(list);
  };
  root.replaceChildren(
    ...summary(list),
    ...names.map((name) =>
      chapter(
        name,
        list.filter((answer) => answer.chapter === name),
      ),
    ),
    make(
      "p",
      { className: "rl-all" },
      button("Save as a file", () => saveFile(exported(list), "residual-block-answers.json", "application/json")),
      button("Forget everything", all),
    ),
  );
}

/** Show it now and after each answer. */
export function showProgress() {
  whenAnswered(show);
  show();
}

function show() {
  const list = answers(),
    page = document.querySelector("[data-rl-answers]");
  markSidebar(list || []);
  if (page) showAnswers(page, list);
}
