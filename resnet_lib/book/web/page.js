/* The book's pages. This script may come at any time: the calls of explorers and questions before it are in `later`. The
   first explorer is made as soon as it is there, before the rest of the page; the others and all else follow. */

import { addSwitch } from "./code.js";
import { addDrawingRows } from "./drawings.js";
import { onlyFigure } from "./embed.js";
import { explorer } from "./explorer.js";
import { format } from "./format.js";
import { showProgress } from "./progress.js";
import { ask } from "./questions.js";
import { watchScrolling } from "./scrolling.js";
import { explainWords } from "./words.js";

/** @typedef {[name: "explorer" | "ask", script: HTMLScriptElement, ...rest: any[]]} Call */

const makers = /** @type {Record<string, Function>} */ ({ explorer, ask });
/** @type {Call[]} */
const waiting = [];
// A link to a figure, or to it alone: then all are made in their order, so that it stands still when it is brought.
let firstWaits = location.hash !== "" || document.documentElement.dataset.rlEmbed !== undefined;

/** @param {Call} call */
const make = ([name, script, ...rest]) => makers[name](...rest, script);

/** @param {Call} call */
function take(call) {
  if (firstWaits || call[0] !== "explorer") return waiting.push(call);
  firstWaits = true;
  return make(call);
}

/** All of the page is there, and the scripts that wait for it have run. */
const complete = new Promise((done) => {
  const [visit] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType("navigation"));
  if (document.readyState === "complete" || visit?.domContentLoadedEventStart) done(0);
  else addEventListener("DOMContentLoaded", done);
});

/** A frame has been painted, where there is one to see. */
const painted = () =>
  new Promise((done) => (document.hidden ? done(0) : requestAnimationFrame(() => setTimeout(done))));

async function makeTheRest() {
  await complete;
  await painted();
  delete document.documentElement.dataset.rlTop; // now all of the page is laid out
  showProgress();
  addSwitch();
  explainWords();
  const only = onlyFigure();
  for (const call of waiting) {
    if (only !== undefined && !only?.contains(call[1])) continue;
    if (call[0] === "explorer" && !location.hash) await painted(); // what is there can be touched meanwhile
    make(call);
  }
  addDrawingRows();
  watchScrolling();
}

window.ResidualBlock.later.forEach(take);
const called =
  (/** @type {"explorer" | "ask"} */ name) =>
  (/** @type {any[]} */ ...rest) =>
    take([name, /** @type {HTMLScriptElement} */ (document.currentScript), ...rest]);
window.ResidualBlock = { explorer: called("explorer"), ask: called("ask"), format, ready: makeTheRest() };
