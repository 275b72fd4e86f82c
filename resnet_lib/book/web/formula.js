/* A figure at the values of its controls, from what an explorer's output calls its runtime with. */

import { format } from "./format.js";

/**
 * @typedef {{ id: string, description: string, controls: import("./controls.js").Control[], function: string,
 *   module: string, presets: Record<string, Record<string, any>> }} Page
 * @typedef {Record<string, (values: Record<string, any>, format: Function) => Record<string, any>>} Variants
 */

/** The figure at these values: one formula for each combination of choices.
 * @param {Page} page @param {Variants} variants @param {Record<string, any>} values */
export function figureOf(page, variants, values) {
  const key = JSON.stringify(page.controls.filter((control) => control.options).map((control) => values[control.name]));
  return variants[key](values, format);
}

/** @param {Page} page @returns {Record<string, any>} */
export function defaultsOf(page) {
  return Object.fromEntries(page.controls.map(({ name, value }) => [name, value]));
}
