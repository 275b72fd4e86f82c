/* Figures without a page, in node: reads a list of { call, settings, widths } from standard input, where `call` is what
   an explorer's output calls its runtime with; writes for each the scenes, as marks and as SVG. */

import { readFileSync } from "node:fs";
import { defaultsOf, figureOf } from "./explorer.js";
import { inkOf } from "./labels.js";
import { scene } from "./scene.js";
import { svg } from "./svg.js";
import { boxOf } from "./values.js";

/** @type {{ call: string, settings?: Record<string, any>[], widths: number[] }[]} */
const wanted = JSON.parse(readFileSync(0, "utf8"));
const made = wanted.map(({ call, settings = [{}], widths }) => {
  const [page, variants] = new Function(`return [${call}];`)();
  return settings.map((values) =>
    widths.map((width) => {
      const figure = figureOf(page, variants, { ...defaultsOf(page), ...values });
      const laid = scene(figure, width);
      const marks = laid.marks.map((mark) => ({
        key: mark.key,
        says: mark.says,
        words: mark.lines?.map((runs) => runs.map(({ text }) => text).join("")),
        ...(mark.lines ? inkOf(mark) : boxOf(mark)),
      }));
      return {
        figure,
        svg: svg(laid, { class: "rl-svg", role: "img", "aria-label": page.description }),
        marks,
        height: laid.height,
        clips: laid.clips,
      };
    }),
  );
});
console.log(JSON.stringify(made));
