/* What the reader's browser remembers of the book: one entry of localStorage for each question and explored figure. */

/**
 * @typedef {object} Answer
 * @property {"number" | "choice" | "quiz" | "exercise" | "explorer"} kind
 * @property {string} name the question's, or the explorer's
 * @property {string} chapter the page's name: "bottleneck"
 * @property {string} text what was asked; of an explorer its figure, "Figure 6.2"
 * @property {string} guess as it was typed or chosen
 * @property {number | null} value the guess as a number
 * @property {number | null} truth
 * @property {string} answer the truth as the page writes it, or ""
 * @property {string} unit
 * @property {boolean} right
 * @property {string} when in ISO 8601
 */

const KEY = "residual-block:";
const CHANGED = "residual-block-changed"; // an event of the document
const TEXTS = ["name", "chapter", "text", "guess", "answer", "unit", "when"];
const KINDS = ["number", "choice", "quiz", "exercise", "explorer"];
const LONGEST = 2000;

/** @param {string} name @param {string} kind */
const keyOf = (name, kind) => KEY + (kind === "explorer" ? "explored:" : "") + name;

/** An entry, or null if it is not one of ours.
 * @param {string} key @returns {Answer | null} */
function entry(key) {
  try {
    const found = JSON.parse(localStorage.getItem(key) || "null");
    const texts = TEXTS.every((name) => typeof found[name] === "string" && found[name].length <= LONGEST);
    const numbers = [found.value, found.truth].every((value) => value === null || Number.isFinite(value));
    const measured = found.kind !== "number" || (found.value !== null && found.truth !== null);
    const sound = texts && numbers && measured && typeof found.right === "boolean" && KINDS.includes(found.kind);
    return sound && key === keyOf(found.name, found.kind) ? found : null;
  } catch {
    return null; // damaged, or of another program, or the browser denies
  }
}

/** Change what is stored and say so. Returns false if the browser denies it.
 * @param {(store: Storage) => void} work */
function change(work) {
  try {
    work(localStorage);
  } catch {
    return false;
  }
  document.dispatchEvent(new Event(CHANGED));
  return true;
}

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

/** Call whenever what is remembered changes, in this window or in another one.
 * @param {() => void} listener */
export function whenAnswered(listener) {
  document.addEventListener(CHANGED, listener);
  addEventListener("storage", listener);
}

/** The answers as the text of a file.
 * @param {Answer[]} list */
export function exported(list) {
  return `${JSON.stringify({ book: "Inside the Residual Block", exported: new Date().toISOString(), answers: list }, null, 2)}\n`;
}
