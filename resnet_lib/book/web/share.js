/* What a reader takes along from an explorer: its call in Python, its address, a frame for another page, its drawing. */

import { copyButton, make, saveFile } from "./dom.js";
import { book, here, licence, link, origin } from "./licence.js";
import { escaped } from "./mark.js";
import { standalone } from "./svg.js";

/** @typedef {import("./formula.js").Page} Page */

/** @param {any} value */
function python(value) {
  return typeof value === "string" ? `'${value.replace(/\\/g, "\\\\").replace(/'/g, "\\'")}'` : String(value);
}

/** The call that gives the same numbers.
 * @param {Page} page @param {Record<string, any>} values */
function code(page, values) {
  const call = `${page.function}(${Object.entries(values)
    .map(([name, value]) => `${name}=${python(value)}`)
    .join(", ")})["numbers"]`;
  return page.module
    ? `from ${page.module} import ${page.function}\n\n${call}`
    : `# after the cells of this chapter above\n${call}`;
}

/** The name of a file that holds the drawing: two-ways_channels-512_unit-MACs.svg
 * @param {string} id @param {Record<string, any>} values */
export function fileName(id, values) {
  const parts = [id, ...Object.entries(values).map(([name, value]) => `${name}-${value}`)];
  return `${parts
    .join("_")
    .replace(/×/g, "x")
    .replace(/[^\w.-]+/g, "-")}.svg`;
}

/** The page's colours by their variables' names, as they are in the light theme.
 * @param {HTMLElement} root */
function lightColours(root) {
  const probe = make("span", { hidden: true });
  probe.dataset.rlTheme = "light";
  root.append(probe);
  const style = getComputedStyle(probe);
  return { colour: (/** @type {string} */ name) => style.getPropertyValue(name).trim(), done: () => probe.remove() };
}

/** The row below an explorer. `settings` are as the page's address writes them.
 * @param {HTMLElement} root @param {Page} page
 * @param {{ values: Record<string, any>, settings: () => string, drawing: () => import("./svg.js").Scene }} shown
 * @param {boolean} inBook */
export function shareTools(root, page, { values, settings, drawing }, inBook) {
  const frame = () =>
    `<iframe src="${escaped(`${here()}?embed${settings()}`)}" title="${escaped(page.description)}" ` +
    `width="100%" height="${10 * Math.ceil(root.offsetHeight / 10) + 80}" style="border: 0" loading="lazy"></iframe>`;
  const save = make("button", { type: "button", textContent: "Download SVG" });
  save.addEventListener("click", () => {
    const { colour, done } = lightColours(root);
    const source = inBook ? origin(settings()) : "";
    const text = standalone(drawing(), { title: page.id, description: page.description, source, colour });
    done();
    saveFile(text, fileName(page.id, values), "image/svg+xml");
  });
  const row = make("div", { className: "rl-tools" });
  row.append(copyButton("Copy as code", () => code(page, values)));
  if (inBook) {
    row.append(copyButton("Copy link", () => here() + settings()));
    row.append(copyButton("Embed", frame));
  }
  row.append(save);
  if (inBook) row.append(licence({ className: "rl-own" }));
  return { row, show: () => {} };
}

/** The line below an explorer that stands in another page: where it is from.
 * @param {() => string} settings */
export function sourceLine(settings) {
  const from = link(book() || document.title, { target: "_blank", rel: "noopener" });
  const row = make("p", { className: "rl-tools rl-source" }, "From ", from, ", ", licence({ target: "_blank" }));
  return { row, show: () => (from.href = here() + settings()) };
}
