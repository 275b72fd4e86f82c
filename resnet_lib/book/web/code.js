/* The switch "Show all code" in the page's header. Cells are folded by book/_ext/residual_code.py; without this script
   each still opens by itself. */

import { make } from "./dom.js";

const KEY = "residual-block:code";
const folded = () => /** @type {NodeListOf<HTMLDetailsElement>} */ (document.querySelectorAll("details.rl-code"));

/** Whether the reader chose to see all code. A browser that denies storage remembers nothing. */
function remembered() {
  try {
    return localStorage.getItem(KEY) === "shown";
  } catch {
    return false;
  }
}

/** @param {boolean} shown */
function remember(shown) {
  try {
    if (shown) localStorage.setItem(KEY, "shown");
    else localStorage.removeItem(KEY);
  } catch {
    /* It holds on this page. */
  }
}

/** Open or fold all code; what the reader has before their eyes stays where it is.
 * @param {boolean} shown */
function show(shown) {
  const top = document.querySelector(".bd-header-article")?.getBoundingClientRect().bottom ?? 0;
  const blocks = document.querySelectorAll(".bd-article :is(h1, h2, h3, p, figure, summary, .cell_output)");
  const anchor = [...blocks].find((block) => block.getBoundingClientRect().top >= top);
  const before = anchor?.getBoundingClientRect().top ?? 0;
  const { style } = document.documentElement;
  style.overflowAnchor = "none"; // a browser's own care would be added to ours
  for (const code of folded()) code.open = shown;
  if (anchor && scrollY > 0) scrollBy({ top: anchor.getBoundingClientRect().top - before, behavior: "instant" });
  requestAnimationFrame(() => style.removeProperty("overflow-anchor"));
}

/** Put the switch into the header of a page with code. */
export function addSwitch() {
  if (!folded().length) return;
  const label = "Show all code";
  const button = make(
    "button",
    { type: "button", className: "btn btn-sm rl-code-switch", title: label },
    make("span", { className: "rl-code-sign", textContent: "</>", ariaHidden: "true" }),
    make("span", { className: "rl-code-words", textContent: label }),
  );
  button.setAttribute("role", "switch");
  button.setAttribute("aria-checked", String(remembered()));
  button.addEventListener("click", () => {
    const shown = button.getAttribute("aria-checked") !== "true";
    button.setAttribute("aria-checked", String(shown));
    remember(shown);
    show(shown);
  });
  document.querySelector(".header-article-items__end")?.prepend(button);
}
