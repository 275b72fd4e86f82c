/* The entries of the browser's storage that are ours, one for each answered question and each explored figure. */

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

export const KEY = "residual-block:";
const CHANGED = "residual-block-changed"; // an event of the document
const TEXTS = ["name", "chapter", "text", "guess", "answer", "unit", "when"];
const KINDS = ["number", "choice", "quiz", "exercise", "explorer"];
const LONGEST = 2000;

/** @param {string} name @param {string} kind */
export const keyOf = (name, kind) => KEY + (kind === "explorer" ? "explored:" : "") + name;

/** An entry, or null if it is not one of ours.
 * @param {string} key @returns {Answer | null} */
export function entry(key) {
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
export function change(work) {
  try {
    work(localStorage);
  } catch {
    return false;
  }
  document.dispatchEvent(new Event(CHANGED));
  return true;
}

/** Call whenever what is remembered changes, in this window or in another one.
 * @param {() => void} listener */
export function whenAnswered(listener) {
  document.addEventListener(CHANGED, listener);
  addEventListener("storage", listener);
}
