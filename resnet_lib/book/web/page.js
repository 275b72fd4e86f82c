/* The book's pages. Explorers and questions call for this script before it has come: their calls wait in `later`. */

import { onlyFigure } from "./embed.js";
import { explorer } from "./explorer.js";
import { format } from "./format.js";
import "./progress.js";
import { ask } from "./questions.js";
import "./code.js";
import "./scrolling.js";

const calls = { explorer, ask };
const { later } = window.ResidualBlock;
const only = onlyFigure();
window.ResidualBlock = { ...calls, format };
for (const [name, script, ...rest] of later) {
  if (only === undefined || only?.contains(script))
    /** @type {Record<string, Function>} */ (calls)[name](...rest, script);
}
