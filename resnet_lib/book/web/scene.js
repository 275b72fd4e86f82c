/* A figure as a scene: all that is drawn, in pixels, from a Plotly figure and a width. Pure, so that node and every
   browser make the same. */

import { axisMarks } from "./axes.js";
import { dataMarks } from "./data.js";
import { annotationMarks, arrange, within } from "./labels.js";
import { layAxes } from "./layout.js";
import { normal } from "./normal.js";

/** @typedef {import("./mark.js").Mark} Mark */
/** @typedef {import("./svg.js").Scene & { ranges: Record<string, [number, number]>, axes: import("./layout.js").Axes["axes"] }} Laid */

/** The size of words in a drawing of that width.
 * @param {number} width */
export function wordSize(width) {
  return width < 480 ? 13.5 : 15;
}

/** Lay a figure out. `ghost` is the figure as it was before, which is drawn behind it in outlines; axes that are `held`
 * only grow.
 * @param {Record<string, any>} given @param {number} width
 * @param {{ held?: Record<string, [number, number]>, ghost?: Record<string, any> | null }} [options] @returns {Laid} */
export function scene(given, width, { held = {}, ghost = null } = {}) {
  const figure = normal(given);
  const size = wordSize(width);
  const before = ghost && figure.layout.meta?.ghost !== false ? normal(ghost) : null;
  const laid = layAxes(figure, width, size, held, before);
  const { clips, marks } = dataMarks(figure, laid, size);
  const former = before ? dataMarks(before, laid, size).marks : [];
  const words = [...marks.filter((mark) => mark.lines && mark.clip === -1), ...annotationMarks(figure, laid, size)];
  const axes = axisMarks(laid, size).map((mark) => (mark.lines ? within(mark, width) : mark));
  const placed = arrange(words, [...marks, ...axes], { width, height: laid.height });
  return {
    width,
    height: laid.height,
    clips,
    ranges: laid.ranges,
    axes: laid.axes,
    marks: [
      ...axes,
      ...former.flatMap((mark) => ghostly(mark, marks)),
      ...marks.filter((mark) => !mark.lines || mark.clip !== -1),
      ...placed.map((mark) => ({ ...mark, clip: -1 })),
    ],
  };
}

/** The marks of a figure's data alone, where `scene` has them: quick, while a handle's place is looked for.
 * @param {Record<string, any>} given @param {number} width
 * @param {{ held?: Record<string, [number, number]>, ghost?: Record<string, any> | null }} options */
export function shapes(given, width, { held = {}, ghost = null }) {
  const figure = normal(given),
    size = wordSize(width);
  const before = ghost && figure.layout.meta?.ghost !== false ? normal(ghost) : null;
  return dataMarks(figure, layAxes(figure, width, size, held, before), size).marks;
}

/** The outline of what was there before, if it was not what is there now.
 * @param {Mark} mark @param {Mark[]} marks @returns {Mark[]} */
function ghostly(mark, marks) {
  if (mark.lines || mark.fill === "none") return [];
  const now = marks.find(({ key }) => key === mark.key);
  if (now && JSON.stringify({ ...now, says: "" }) === JSON.stringify({ ...mark, says: "" })) return [];
  const quiet = {
    key: `ghost ${mark.key}`,
    says: undefined,
    fill: "none",
    stroke: "var(--rl-quiet,#57606a)",
    thick: 1,
    dash: "ghost",
    opacity: 0.8,
  };
  return [{ ...mark, ...quiet }];
}
