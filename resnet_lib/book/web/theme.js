/* Whether the page around an element is dark: Jupyter Book and JupyterLab say it, of others the background tells. */

/** @param {HTMLElement} node */
export function isDark(node) {
  const theme = document.documentElement.dataset.theme || document.body.dataset.jpThemeLight;
  if (theme === "dark" || theme === "false") return true;
  if (theme === "light" || theme === "true") return false;
  for (let at = /** @type {HTMLElement | null} */ (node); at; at = at.parentElement) {
    const [red, green, blue, alpha = 1] = (getComputedStyle(at).backgroundColor.match(/[\d.]+/g) || []).map(Number);
    if (blue !== undefined && alpha > 0) return 0.3 * red + 0.59 * green + 0.11 * blue < 128;
  }
  return false;
}

/** Mark an element with the theme around it, now and whenever it changes. Styles go by this mark.
 * @param {HTMLElement} root */
export function followTheme(root) {
  const mark = () => (root.dataset.rlTheme = isDark(root) ? "dark" : "light");
  const observer = new MutationObserver(mark);
  observer.observe(document.documentElement, { attributeFilter: ["data-theme", "theme", "class"] });
  observer.observe(document.body, { attributeFilter: ["data-jp-theme-light", "class"] });
  mark();
}
