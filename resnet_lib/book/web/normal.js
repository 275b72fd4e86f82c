/* A figure with all that Plotly lets one leave out: positions that count from 0, words in place of positions, layouts. */

/** The figure with numbers for all positions. Words on an axis become its ticks, in the order in which they come.
 * @param {Record<string, any>} figure @returns {Record<string, any>} */
export function normal(figure) {
  const layout = { ...figure.layout };
  /** @type {Record<string, string[]>} */
  const categories = {};
  const data = figure.data.map((/** @type {Record<string, any>} */ trace) => {
    const length = (trace.x || trace.y || []).length,
      counted = Array.from({ length }, (_, i) => i);
    const made = { ...trace, type: trace.type || "scatter", x: trace.x || counted, y: trace.y || counted };
    for (const side of /** @type {const} */ (["x", "y"])) {
      if (!made[side].some((/** @type {any} */ value) => typeof value === "string")) continue;
      const known = (categories[trace[`${side}axis`] || side] ||= []);
      made[side] = made[side].map((/** @type {any} */ value) => {
        if (!known.includes(String(value))) known.push(String(value));
        return known.indexOf(String(value));
      });
    }
    return made;
  });
  for (const [id, words] of Object.entries(categories)) {
    const key = id.replace(/^[xy]/, "$&axis");
    layout[key] = { tickvals: words.map((_, i) => i), ticktext: words, ...layout[key] };
  }
  for (const key of Object.keys(layout)) {
    if (/^[xy]axis\d*$/.test(key) && typeof layout[key].title === "string")
      layout[key] = { ...layout[key], title: { text: layout[key].title } };
  }
  return { ...figure, data, layout };
}
