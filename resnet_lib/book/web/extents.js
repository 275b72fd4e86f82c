/* What the data of a figure span, on each of its axes. */

/** @typedef {Record<string, any>} Figure A Plotly figure, as far as the page draws it (see tests/test_scene.py). */

/** The names of a trace's axes: ["x", "y2"].
 * @param {Record<string, any>} trace @returns {[string, string]} */
export function axesOf(trace) {
  return [trace.xaxis || "x", trace.yaxis || "y"];
}

/** Where the bars of a trace begin and how long they are, with those below them in a stack.
 * @param {Figure} figure @returns {Map<Record<string, any>, { from: number, to: number, at: number, wide: number }[]>} */
export function bars(figure) {
  const heights = new Map(),
    found = new Map();
  for (const trace of figure.data) {
    if (trace.type !== "bar") continue;
    const [positions, values] = trace.orientation === "h" ? [trace.y, trace.x] : [trace.x, trace.y];
    found.set(
      trace,
      values.map((/** @type {number} */ value, /** @type {number} */ i) => {
        const key = `${axesOf(trace)} ${positions[i]}`;
        const base = one(trace.base, i) ?? (figure.layout.barmode === "stack" ? heights.get(key) || 0 : 0);
        heights.set(key, base + value);
        const wide = one(trace.width, i) ?? 1 - (figure.layout.bargap ?? 0.2);
        return { from: base, to: base + value, at: positions[i], wide };
      }),
    );
  }
  return found;
}

/** An entry of a list, or the value that holds for all.
 * @param {any} value @param {number} i */
export function one(value, i) {
  return Array.isArray(value) ? value[i] : value;
}

/** What the data of each axis span, by its name: positions, on a logarithmic axis exponents.
 * @param {Figure} figure @returns {Record<string, [number, number]>} */
export function extents(figure) {
  /** @type {Record<string, [number, number]>} */
  const spans = {};
  const reach = (/** @type {string} */ id, /** @type {number[]} */ values) => {
    const log = figure.layout[id.replace(/^[xy]/, "$&axis")]?.type === "log";
    for (const value of values) {
      const position = log ? Math.log10(value) : value;
      if (!Number.isFinite(position)) continue;
      const span = (spans[id] ||= [position, position]);
      span[0] = Math.min(span[0], position);
      span[1] = Math.max(span[1], position);
    }
  };
  const lengths = bars(figure);
  for (const trace of figure.data) {
    const [x, y] = axesOf(trace);
    const bar = lengths.get(trace);
    if (bar) {
      const [along, across] = trace.orientation === "h" ? [x, y] : [y, x];
      reach(
        along,
        bar.flatMap(({ from, to }) => [from, to]),
      );
      reach(
        across,
        bar.flatMap(({ at: middle, wide }) => [middle - wide / 2, middle + wide / 2]),
      );
    } else {
      reach(x, trace.x);
      reach(y, trace.y);
    }
  }
  return spans;
}
