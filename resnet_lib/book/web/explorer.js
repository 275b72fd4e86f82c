/* The explorer without a kernel: controls, a figure drawn from written-out formulas, numbers beside it. */

import { bring, follow, hiddenNames, settings, written } from "./address.js";
import { explored } from "./answers.js";
import { made } from "./controls.js";
import { make } from "./dom.js";
import { defaultsOf, figureOf } from "./formula.js";
import { plot } from "./plot.js";
import { presetRow } from "./presets.js";
import { numberList } from "./results.js";
import { shareTools, sourceLine } from "./share.js";
import { rootOf, stage } from "./stage.js";

/** Bring an explorer's element to life.
 * @param {import("./formula.js").Page} page @param {import("./formula.js").Variants} variants
 * @param {HTMLOrSVGScriptElement | null} [script] that calls it */
export function explorer(page, variants, script = document.currentScript) {
  const root = rootOf(page.id, script);
  const inBook = window.RL_BOOK === true; // the page's address is ours to write to
  const alone = root.parentElement?.className === "rl-embed"; // in another page's frame
  const defaults = defaultsOf(page);
  const values = { ...defaults };
  const uid = `${page.id}-${Math.random().toString(36).slice(2, 8)}`;
  /** @type {Record<string, any> | null} */
  let before = null; // the figure when the reader last let go
  /** @type {string[]} */
  let hidden = []; // names of controls that the address hides; their values stay
  /** @type {import("./plot.js").Way | null} */
  let dragging = null;
  let frame = 0;

  const numbers = numberList();
  const status = make("p", { className: "rl-hidden" });
  status.setAttribute("role", "status");
  const listener = {
    moved(/** @type {string} */ name, /** @type {any} */ value) {
      dragging ||= { held: picture.ranges, ghost: before };
      values[name] = value;
      frame ||= requestAnimationFrame(() => draw(/** @type {any} */ (dragging)));
    },
    settled: () => settle(),
  };
  const figureAt = (/** @type {string} */ name, /** @type {any} */ value) =>
    figureOf(page, variants, { ...values, [name]: value });
  const picture = plot({
    description: page.description,
    controls: () => page.controls.filter(({ name }) => !hidden.includes(name)),
    figureAt,
    listener,
    tell: (words) => (status.textContent = words),
  });
  const controls = page.controls.map((control) => made(control, uid, listener));
  const presets = presetRow(page, defaults, {
    choose(preset, reset) {
      const kept = Object.fromEntries(hidden.map((name) => [name, values[name]]));
      Object.assign(values, preset, kept);
      settle(reset);
    },
    showAll() {
      hidden = [];
      settle();
      /** @type {HTMLElement | null} */ (root.querySelector("[data-control]"))?.focus();
    },
  });
  const address = () => written(page.id, values, hidden);
  const tools = alone
    ? sourceLine(address)
    : shareTools(root, page, { values, settings: address, drawing: () => picture.drawing }, inBook);

  stage(root, page.description, { presets, controls, picture, numbers, tools, status });

  /** @param {import("./plot.js").Way} way */
  function draw(way) {
    frame = 0;
    for (const [i, { name }] of page.controls.entries()) {
      controls[i].show(values[name]);
      controls[i].node.hidden = hidden.includes(name);
    }
    presets.show(values, hidden);
    const figure = figureOf(page, variants, values);
    numbers.show(figure.numbers);
    picture.show(figure, way);
    return figure;
  }

  /** The reader let go: axes fit again, the address follows, and a screen reader hears the numbers. */
  function settle(reset = false) {
    cancelAnimationFrame(frame);
    dragging = null;
    const figure = draw({ ghost: reset ? null : before, slowly: true });
    before = figure;
    tools.show();
    status.textContent = Object.entries(figure.numbers)
      .map(([label, value]) => `${label}: ${value}`)
      .join("; ");
    if (!inBook) return;
    const bare = reset && !alone && !hidden.length;
    history.replaceState(null, "", bare ? location.pathname + location.search : address());
    if (!reset) explored(page.id);
  }

  function restore() {
    const wanted = inBook && settings(location.hash, page.id, page.controls);
    if (!wanted) return false;
    Object.assign(values, wanted);
    hidden = hiddenNames(location.hash, page.id, page.controls);
    before = draw({ slowly: true });
    tools.show();
    return true;
  }

  if (!follow(restore, () => alone || bring(root))) before = draw({});
  tools.show();
}
