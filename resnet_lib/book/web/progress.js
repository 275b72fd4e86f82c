/* How far the reader is: marks beside each chapter in the book's sidebar, and the page "Your answers". Book only. */

import { answers, chapterHere, exported, forgetAll, whenAnswered } from "./answers.js";
import { make } from "./dom.js";
import { errorOf, inWords } from "./numbers.js";

/** @typedef {import("./answers.js").Answer} Answer */
/** @typedef {"predicted" | "explored" | "solved"} Sort */
/** @typedef {{ name: string, title: string } & Record<Sort, string[]>} Page written by book/_ext/residual_answers.py */

const PAGES = /** @type {Page[]} */ (window.RL_PAGES || []);
const SORTS = /** @type {Sort[]} */ (["predicted", "explored", "solved"]);
const COUNTED = { predicted: ["prediction", "made"], explored: ["figure", "explored"], solved: ["question", "solved"] };

/** Whether an answer counts, as what, or "".
 * @param {Answer} answer @returns {Sort | ""} */
function sortOf({ kind, right }) {
  if (kind === "explorer") return "explored";
  if (kind === "number" || kind === "choice") return "predicted";
  return right ? "solved" : "";
}

/** How many of a page's things are done.
 * @param {Page} page @param {Answer[]} list @param {Sort} sort */
function done(page, list, sort) {
  return page[sort].filter((name) => list.some((answer) => answer.name === name && sortOf(answer) === sort)).length;
}

/** What there is on a page and how far it is done, as a shape and in words: "2 of 3 predictions made".
 * @param {Page} page @param {Answer[]} list */
function progressOf(page, list) {
  return SORTS.filter((sort) => page[sort].length).map((sort) => {
    const all = page[sort].length,
      some = done(page, list, sort),
      [noun, verb] = COUNTED[sort];
    const shape = make("i", { className: `rl-${sort}`, style: `--share:${Math.round((100 * some) / all)}%` });
    return { shape, words: `${some} of ${all} ${noun}${all === 1 ? "" : "s"} ${verb}` };
  });
}

/* ---- The sidebar ------------------------------------------------------------------------------------------------- */

/** @param {Page} page @param {Answer[]} list */
function marks(page, list) {
  const parts = progressOf(page, list),
    words = parts.map(({ words }) => words).join(", ");
  const unseen = make("span", { className: "rl-unseen", textContent: `, ${words}` });
  return make("span", { className: "rl-progress", title: words }, ...parts.map(({ shape }) => shape), unseen);
}

/** @param {Answer[]} list */
function markSidebar(list) {
  for (const link of /** @type {NodeListOf<HTMLAnchorElement>} */ (
    document.querySelectorAll(".bd-links .toctree-l1 > a.internal")
  )) {
    link.querySelector(".rl-progress")?.remove();
    const name =
      link.getAttribute("href") === "#"
        ? chapterHere()
        : new URL(link.href).pathname
            .split("/")
            .pop()
            ?.replace(/\.html$/, "");
    const page = PAGES.find((page) => page.name === name);
    if (page && list.length) link.append(marks(page, list));
  }
}

/* ---- Your answers ------------------------------------------------------------------------------------------------ */

/** @param {string} label @param {() => void} work */
function button(label, work, name = label) {
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
function table(caption, heads, list) {
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

/** @param {string} name @param {Answer[]} list of one chapter */
function chapter(name, list) {
  const page = PAGES.find((page) => page.name === name),
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

/** @param {Answer[]} list */
function save(list) {
  const href = URL.createObjectURL(new Blob([exported(list)], { type: "application/json" }));
  make("a", { href, download: "residual-block-answers.json" }).click();
  setTimeout(() => URL.revokeObjectURL(href), 1000);
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
  const order = PAGES.map(({ name }) => name);
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
      button("Save as a file", () => save(list)),
      button("Forget everything", all),
    ),
  );
}

function showProgress() {
  const list = answers(),
    page = document.querySelector("[data-rl-answers]");
  markSidebar(list || []);
  if (page) showAnswers(page, list);
}

whenAnswered(showProgress);
showProgress();
