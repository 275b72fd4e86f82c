/* A word of the glossary: its meaning in place, under the pointer, on focus, or at a tap. Book only. The page holds the
   meanings of its words (book/_ext/residual_words.py). */

import { make } from "./dom.js";

const WAIT = 150; // ms, so that a pointer on its way elsewhere opens nothing and one on its way to the meaning keeps it
const APART = 4; // pixels between a word and its meaning
const EDGE = 8; // pixels that stay free at the sides of the window

/** @param {EventTarget | null} target @returns {HTMLAnchorElement | null} */
const wordAt = (target) => (target instanceof Element ? target.closest("a.rl-word") : null);

/** @param {HTMLAnchorElement} word */
const meaningOf = (word) => document.getElementById(`word-${word.hash.slice(1)}`);

/** Let the words of this page show what they mean. */
export function explainWords() {
  const box = make("div", { className: "rl-meaning", role: "tooltip", hidden: true });
  /** @type {HTMLAnchorElement | null} */
  let shown = null;
  let waiting = 0;
  let tapped = false; // a finger came down on a word whose meaning was not there yet

  /** @param {HTMLAnchorElement} word */
  function show(word) {
    clearTimeout(waiting);
    const meaning = meaningOf(word);
    if (shown === word || !meaning) return;
    shown = word;
    box.innerHTML = meaning.innerHTML;
    box.hidden = false;
    const place = word.getBoundingClientRect(), // all of its lines
      { width, height } = box.getBoundingClientRect();
    const left = Math.max(EDGE, Math.min(place.left, document.documentElement.clientWidth - width - EDGE));
    const below = place.bottom + APART,
      above = place.top - APART - height;
    box.style.left = `${left + scrollX}px`;
    box.style.top = `${(below + height > innerHeight && above > 0 ? above : below) + scrollY}px`;
  }

  function hide() {
    clearTimeout(waiting);
    shown = null;
    box.hidden = true;
  }

  /** @param {() => void} act */
  function soon(act) {
    clearTimeout(waiting);
    waiting = window.setTimeout(act, WAIT);
  }

  for (const word of /** @type {NodeListOf<HTMLAnchorElement>} */ (document.querySelectorAll("a.rl-word"))) {
    const meaning = meaningOf(word);
    if (meaning) word.setAttribute("aria-describedby", meaning.id);
  }
  document.body.append(box);
  document.addEventListener("pointerover", ({ target, pointerType }) => {
    const word = wordAt(target);
    if (pointerType === "touch") return;
    if (word) soon(() => show(word));
    else if (target instanceof Node && box.contains(target)) clearTimeout(waiting);
    else if (shown && shown !== document.activeElement) soon(hide);
    else clearTimeout(waiting);
  });
  document.addEventListener("pointerdown", ({ target, pointerType }) => {
    const word = wordAt(target);
    tapped = pointerType === "touch" && word !== null && word !== shown;
    if (!word && !(target instanceof Node && box.contains(target))) hide();
  });
  document.addEventListener("click", (event) => {
    const word = wordAt(event.target);
    if (!word || !tapped) return;
    tapped = false;
    event.preventDefault(); // a second tap goes to the glossary
    show(word);
  });
  document.addEventListener("focusin", ({ target }) => {
    const word = wordAt(target);
    if (word) show(word);
    else hide();
  });
  document.addEventListener("keydown", ({ key }) => {
    if (key === "Escape") hide();
  });
}
