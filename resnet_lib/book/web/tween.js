/* A mark between two states of its figure. */

/** @typedef {import("./mark.js").Mark} Mark */

const MOVING = /** @type {const} */ (["x", "y", "width", "height", "size", "opacity"]);

/** A mark on its way from one to another.
 * @param {Mark} a @param {Mark} b @param {number} t @returns {Mark} */
export function between(a, b, t) {
  const mark = { ...b };
  for (const key of MOVING) {
    const [from, to] = [a[key], b[key]];
    if (from !== undefined && to !== undefined) mark[key] = from + t * (to - from);
  }
  const { points } = a;
  if (points && b.points && points.length === b.points.length) {
    const part = (/** @type {number} */ from, /** @type {number} */ to) => from + t * (to - from);
    mark.points = b.points.map(([x, y], i) => [part(points[i][0], x), part(points[i][1], y)]);
  }
  return mark;
}
