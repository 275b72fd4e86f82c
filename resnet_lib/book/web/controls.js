/* The controls of an explorer: sliders and choices. */

import { make } from "./dom.js";
import { grouped } from "./format.js";

/**
 * @typedef {{ name: string, label: string, value: any, options?: any[], start: number, stop: number, step: number }} Control
 * @typedef {{ moved: (name: string, value: any) => void, settled: () => void }} Listener
 * @typedef {{ node: HTMLElement, show: (value: any) => void }} Made
 */

/** All values that a control can take.
 * @param {Control} control @returns {any[]} */
export function valuesOf({ options, start, stop, step }) {
  if (options) return options;
  return Array.from({ length: Math.round((stop - start) / step) + 1 }, (_, i) =>
    Number((start + i * step).toPrecision(12)),
  );
}

/** @param {Control} control @param {string} id @param {Listener} listener @returns {Made} */
export function made(control, id, listener) {
  return control.options ? choice(control, id, listener) : slider(control, id, listener);
}

/** @param {Control} control @param {string} id @param {Listener} listener @returns {Made} */
function slider(control, id, { moved, settled }) {
  const output = make("output", {});
  const input = make("input", {
    type: "range",
    min: control.start,
    max: control.stop,
    step: control.step,
    id: id + control.name,
  });
  input.dataset.control = control.name;
  const set = () => moved(control.name, Number(input.value));
  let before = input.value;
  input.addEventListener("input", set);
  input.addEventListener("change", settled);
  // A finger that begins to scroll the page on a slider sets it first and then is taken away from it: back then.
  input.addEventListener("pointerdown", () => (before = input.value));
  input.addEventListener("pointercancel", () => {
    input.value = before;
    set();
    settled();
  });
  output.style.minWidth = `${grouped(control.stop).length}ch`;
  const show = (/** @type {number} */ value) => {
    input.value = String(value);
    output.textContent = grouped(value);
  };
  return {
    node: make("div", { className: "rl-control" }, make("label", { htmlFor: input.id }, control.label, output), input),
    show,
  };
}

/** @param {Control} control @param {string} id @param {Listener} listener @returns {Made} */
function choice(control, id, { moved, settled }) {
  const group = make("fieldset", { className: "rl-control rl-choice" }, make("legend", {}, control.label));
  const options = control.options || [];
  const inputs = options.map((option) => {
    const input = make("input", { type: "radio", name: id + control.name });
    Object.assign(input.dataset, { control: control.name, option });
    input.addEventListener("change", () => {
      moved(control.name, option);
      settled();
    });
    group.append(make("label", {}, input, make("span", {}, String(option))));
    return input;
  });
  return {
    node: group,
    show: (value) =>
      options.forEach((option, i) => {
        inputs[i].checked = option === value;
      }),
  };
}
