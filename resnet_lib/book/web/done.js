/* What there is on each page of the book, and how far the reader is with it. Book only. */

import { make } from "./dom.js";

/** @typedef {import("./answers.js").Answer} Answer */
/** @typedef {"predicted" | "explored" | "solved"} Sort */
/** @typedef {{ name: string, title: string } & Record<Sort, string[]>} Page written by book/_ext/residual_answers.py */

/** The book's pages; answers.js of the built book has them. */
export const pages = () => /** @type {Page[]} */ (window.RL_PAGES || []);
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
export function progressOf(page, list) {
  return SORTS.filter((sort) => page[sort].length).map((sort) => {
    const all = page[sort].length,
      some = done(page, list, sort),
      [noun, verb] = COUNTED[sort];
    const shape = make("i", { className: `rl-${sort}`, style: `--share:${Math.round((100 * some) / all)}%` });
    return { shape, words: `${some} of ${all} ${noun}${all === 1 ? "" : "s"} ${verb}` };
  });
}
