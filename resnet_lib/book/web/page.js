/* The book's pages. Explorers and questions call for this script before it has come: their calls wait in `later`. */

import { onlyFigure } from "./embed.js";
import { explorer } from "./explorer.js";
import { format } from "./format.js";
import "./progress.js";
import { ask } from "./questions.js";
import "./code.js";
import "./drawings.js";
import "./scrolling.js";

const calls = { explorer, ask };
const { later } = window.ResidualBlock;
const only = onlyFigure();

/** A frame has been painted, where there is one to see. */
const painted = () =>
  new Promise((done) => (document.hidden ? done(0) : requestAnimationFrame(() => setTimeout(done))));

/** The first explorer can be touched before the others are made. A link to one of them waits for nothing. */
async function begin() {
  let waited = location.hash !== "";
  for (const [name, script, ...rest] of later) {
    if (only !== undefined && !only?.contains(script)) continue;
    /** @type {Record<string, Function>} */ (calls)[name](...rest, script);
    if (waited || name !== "explorer") continue;
    waited = true;
    await painted();
  }
}
window.ResidualBlock = { ...calls, format, ready: begin() };
