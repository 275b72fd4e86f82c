/* What a slider sets can be dragged in the figure, too: the end of a bar, a point, a corner. */

import { boxOf } from "./values.js";

/** @typedef {import("./mark.js").Mark} Mark */
/**
 * A figure's `layout.meta.handles`: the control that is set, the key of the mark that is held, where ("end", "start",
 * "top", "middle"; of a path the number of a point), and along which direction it moves.
 * @typedef {{ control: string, mark: string, where?: string | number, along?: "x" | "y" }} Handle
 */

/** Where the grip of a handle is.
 * @param {Mark[]} marks @param {Handle} handle @returns {[number, number] | null} */
export function gripAt(marks, { mark: key, where = "end" }) {
  const mark = marks.find((each) => each.key === key);
  if (!mark) return null;
  if (typeof where === "number") return /** @type {[number, number]} */ (mark.points?.[where] ?? null);
  const { x, y, width, height } = boxOf(mark);
  return [
    x + { start: 0, middle: 0.5, top: 0.5, end: 1 }[/** @type {"end"} */ (where)] * width,
    where === "top" ? y : y + height / 2,
  ];
}

/** The marks of the grips of a scene.
 * @param {Mark[]} marks @param {Handle[]} handles @returns {Mark[]} */
export function grips(marks, handles) {
  return handles.flatMap((handle) => {
    const at = gripAt(marks, handle);
    return at
      ? [
          {
            key: `grip ${handle.control}`,
            x: at[0],
            y: at[1],
            symbol: "circle",
            size: 14,
            fill: "var(--rl-page,#ffffff)",
            stroke: "var(--rl-mark,#aa3377)",
            thick: 3,
            clip: -1,
          },
        ]
      : [];
  });
}

/** The value, among those that a control can take, at which the grip is nearest to where the pointer is. The grip's
 * place grows or falls with the value, so a bisection finds it: no figure function needs to be turned around.
 * @param {number[]} values @param {(value: number) => number} place @param {number} wanted */
export function solve(values, place, wanted) {
  let low = 0,
    high = values.length - 1;
  const rising = place(values[high]) >= place(values[low]);
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (place(values[middle]) < wanted === rising) low = middle;
    else high = middle;
  }
  const away = (/** @type {number} */ i) => Math.abs(place(values[i]) - wanted);
  return values[away(low) <= away(high) ? low : high];
}
