/* An explorer's place in the page, and how its parts lie there. */

import { make } from "./dom.js";
import { followTheme } from "./theme.js";

/** The element of an explorer that is called by this script, or that nothing has brought to life yet.
 * @param {string} id @param {HTMLOrSVGScriptElement | null} script */
export function rootOf(id, script) {
  const waiting = `[data-rl-explorer="${id}"]:not([data-rl-live])`;
  const root = script?.closest("[data-rl-explorer]") || document.querySelector(waiting);
  return /** @type {HTMLElement} */ (root);
}

/** Put the parts of an explorer where its drawing without scripts was.
 * @param {HTMLElement} root @param {string} caption
 * @param {{ presets: { node: Node }, controls: { node: Node }[], picture: { host: Node }, numbers: { list: Node },
 *   tools: { row: Node }, status: Node }} parts */
export function stage(root, caption, { presets, controls, picture, numbers, tools, status }) {
  root.dataset.rlLive = "";
  followTheme(root);
  for (const still of root.querySelectorAll(".rl-static")) /** @type {HTMLElement} */ (still).hidden = true;
  root.append(
    make(
      "div",
      { className: "rl-live" },
      presets.node,
      make("div", { className: "rl-controls" }, ...controls.map(({ node }) => node)),
      make("div", { className: "rl-stage" }, picture.host, numbers.list),
      make("p", { className: "rl-caption", textContent: caption }),
      tools.row,
      status,
    ),
  );
}
