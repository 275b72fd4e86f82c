/* What the reader's browser remembers of the book. */

import { change, entry, KEY, keyOf } from "./entries.js";

/** @typedef {import("./entries.js").Answer} Answer */

/** The name of this page: "bottleneck". */
export function chapterHere() {
  return decodeURIComponent(location.pathname.split("/").pop() || "").replace(/\.\w+$/, "") || "index";
}

/** What is remembered of a question. An entry of any other shape is dropped.
 * @param {string} name */
export function remembered(name) {
  const found = entry(keyOf(name, ""));
  try {
    if (!found && localStorage.getItem(keyOf(name, "")) !== null) forget(name);
  } catch {} // denied: there is nothing to drop
  return found;
}

/** Remember an answer; one that was right is not replaced by one that is wrong. Returns false if the browser denies it.
 * @param {Partial<Answer> & Pick<Answer, "kind" | "name">} answer */
export function remember(answer) {
  const key = keyOf(answer.name, answer.kind);
  if (entry(key)?.right && !answer.right) return true;
  const blank = {
    chapter: chapterHere(),
    text: "",
    guess: "",
    value: null,
    truth: null,
    answer: "",
    unit: "",
    right: false,
  };
  return change((store) => store.setItem(key, JSON.stringify({ ...blank, ...answer, when: new Date().toISOString() })));
}

/** @param {string} name @param {string} [kind] */
export function forget(name, kind = "") {
  return change((store) => store.removeItem(keyOf(name, kind)));
}

/** Forget these answers.
 * @param {Answer[]} answers */
export function forgetAll(answers) {
  return change((store) => {
    for (const { name, kind } of answers) store.removeItem(keyOf(name, kind));
  });
}

/** Remember that an explorer of this page was used.
 * @param {string} id */
export function explored(id) {
  if (entry(keyOf(id, "explorer"))) return;
  const figure = document.querySelector(`[data-rl-explorer="${CSS.escape(id)}"]`)?.closest("figure");
  const text = figure?.querySelector(".caption-number")?.textContent?.trim() || id;
  remember({ kind: "explorer", name: id, text, right: true });
}

/** All that is remembered; null if the browser denies storage.
 * @returns {Answer[] | null} */
export function answers() {
  try {
    const found = Object.keys(localStorage)
      .filter((key) => key.startsWith(KEY))
      .map(entry);
    return /** @type {Answer[]} */ (found.filter(Boolean));
  } catch {
    return null;
  }
}

/** The answers as the text of a file.
 * @param {Answer[]} list */
export function exported(list) {
  return `${JSON.stringify({ book: "Inside the Residual Block", exported: new Date().toISOString(), answers: list }, null, 2)}\n`;
}
