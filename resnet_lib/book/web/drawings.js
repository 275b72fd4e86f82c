/* The row below a drawing of the book, as below an explorer: its files and its licence. */

import { make, saveFile } from "./dom.js";
import { licence, origin } from "./licence.js";
import { followTheme } from "./theme.js";

/** The drawing as it stands in the page, whose attributes are the light theme's.
 * @param {SVGElement} svg */
function fileOf(svg) {
  const copy = /** @type {SVGElement} */ (svg.cloneNode(true));
  const metadata = document.createElementNS(svg.namespaceURI, "metadata");
  metadata.textContent = origin("");
  copy.prepend(metadata);
  return new XMLSerializer().serializeToString(copy);
}

/** The row of one drawing, or of several that stand side by side.
 * @param {Element} drawing @param {string} page */
function rowOf(drawing, page) {
  const svgs = [...drawing.querySelectorAll("svg")];
  const buttons = svgs.map((svg, i) => {
    const [words, ending] = svgs.length > 1 ? [` ${i + 1}`, `-${i + 1}`] : ["", ""];
    const button = make("button", { type: "button", textContent: `Download SVG${words}`, title: svg.ariaLabel });
    button.addEventListener("click", () => saveFile(fileOf(svg), `${page}_drawing${ending}.svg`, "image/svg+xml"));
    return button;
  });
  const row = make("div", { className: "rl-tools" }, ...buttons, licence({ className: "rl-own" }));
  followTheme(row);
  return row;
}

/** Put its row below each drawing of the page. */
export function addDrawingRows() {
  const page = location.pathname.replace(/^.*\/|\.html$/g, "");
  for (const drawing of document.querySelectorAll(".bd-article .rl-draw")) drawing.after(rowOf(drawing, page));
}
