/* What scrolls sideways can be reached and scrolled with the keyboard, by its name; what has room is no stop on the
   way. Sizes change with the window, and when folded code is opened or an equation typeset. */

const NAMES = {
  ".cell_input pre": "Code",
  pre: "Output",
  ".pst-scrollable-table-container": "Table",
  "div.math": "Equation",
};

/** @param {{ target: any }} entry */
function mark({ target: area }) {
  if (area.scrollWidth > area.clientWidth) {
    area.tabIndex = 0;
    area.setAttribute("role", "group");
    area.setAttribute("aria-label", Object.entries(NAMES).find(([selector]) => area.matches(selector))?.[1] || "");
  } else for (const name of ["tabindex", "role", "aria-label"]) area.removeAttribute(name);
}

/** Watch all of the page that may scroll. */
export function watchScrolling() {
  const observer = new ResizeObserver((entries) => entries.forEach(mark));
  for (const area of document.querySelectorAll(Object.keys(NAMES).join())) observer.observe(area);
}
