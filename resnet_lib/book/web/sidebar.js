/* How far the reader is, beside each chapter in the book's sidebar. Book only. */

import { chapterHere } from "./answers.js";
import { pages, progressOf } from "./done.js";
import { make } from "./dom.js";

/** @typedef {import("./answers.js").Answer} Answer */
/** @typedef {import("./done.js").Page} Page */

/** @param {Page} page @param {Answer[]} list */
function marks(page, list) {
  const parts = progressOf(page, list),
    words = parts.map(({ words }) => words).join(", ");
  const unseen = make("span", { className: "rl-unseen", textContent: `, ${words}` });
  return make("span", { className: "rl-progress", title: words }, ...parts.map(({ shape }) => shape), unseen);
}

/** @param {Answer[]} list */
export function markSidebar(list) {
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
    const page = pages().find((page) => page.name === name);
    if (page && list.length) link.append(marks(page, list));
  }
}
