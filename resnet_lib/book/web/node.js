/* Figures without a page, in node: reads a list of { call, settings, widths } from standard input, where `call` is what
   an explorer's output calls its runtime with; writes for each setting the figure and its scenes. A scene is
   its SVG or, where `marks` is true, what a test measures of its marks. */

import { readFileSync } from "node:fs";
import { defaultsOf, figureOf } from "./formula.js";
import { inkOf } from "./labels.js";
import { scene } from "./scene.js";
import { svg } from "./svg.js";
import { boxOf } from "./values.js";

/** @param {import("./scene.js").Mark} mark */
const measured = (mark) => ({
  key: mark.key,
  says: mark.says,
  words: mark.lines?.map((runs) => runs.map(({ text }) => text).join("")),
  ...(mark.lines ? inkOf(mark) : boxOf(mark)),
});

/** @type {{ call: string, settings?: Record<string, any>[], widths: number[], marks?: boolean }[]} */
const wanted = JSON.parse(readFileSync(0, "utf8"));
const made = wanted.map(({ call, settings = [{}], widths, marks }) => {
  const [page, variants] = new Function(`return [${call}];`)();
  return settings.map((values) => {
    const figure = figureOf(page, variants, { ...defaultsOf(page), ...values });
    const scenes = widths.map((width) => {
      const laid = scene(figure, width);
      if (marks) return { marks: laid.marks.map(measured), height: laid.height, clips: laid.clips };
      return { svg: svg(laid, { class: "rl-svg", role: "img", "aria-label": page.description }) };
    });
    return { figure, scenes };
  });
});
console.log(JSON.stringify(made));
