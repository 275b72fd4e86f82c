/* A page opened as bottleneck.html?embed#two-ways?channels=512 shows that figure and nothing else. Its head has marked it
   so, before anything was seen (residual_book.py). */

import { make } from "./dom.js";

/** The element of the only figure to be shown; null where the address names none; undefined on a page like any other. */
export function onlyFigure() {
  if (document.documentElement.dataset.rlEmbed === undefined) return undefined;
  const [name] = location.hash.slice(1).split("?");
  const all = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("[data-rl-explorer]")]);
  const wanted = all.find((root) => root.dataset.rlExplorer === name) || null;
  document.body.append(make("main", { className: "rl-embed" }, wanted || instead(name, all)));
  addEventListener("hashchange", () => {
    if (location.hash.slice(1).split("?")[0] !== name) location.reload();
  });
  return wanted;
}

/** What is said where there is no such figure.
 * @param {string} name @param {HTMLElement[]} all */
function instead(name, all) {
  const others = all.flatMap(({ dataset }, i) => [
    i ? ", " : "",
    make("a", { href: `#${dataset.rlExplorer}`, textContent: dataset.rlExplorer }),
  ]);
  return make(
    "p",
    {},
    name ? `This page has no figure “${name}”` : "This address names no figure of this page",
    ...(all.length ? ["; it has ", ...others] : []),
    ".",
  );
}
