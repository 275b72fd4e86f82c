/* Words in a drawing: their widths without a browser, bold parts, lines, and where they are broken. */

import { BOLD, MISSING, REGULAR, SIGNS } from "./widths.js";

const ADVANCES = [REGULAR, BOLD].map((widths) => new Map([...SIGNS].map((sign, i) => [sign, widths[i]])));

/** @typedef {{ text: string, bold: boolean }} Run */
/** @typedef {{ x: number, y: number, width: number, height: number }} Box */

/** The lines of a text in which <b> makes bold and <br> breaks: each a list of runs.
 * @param {string} markup @returns {Run[][]} */
export function lines(markup) {
  let bold = false;
  return String(markup)
    .split(/<br\s*\/?>/)
    .map((line) => {
      /** @type {Run[]} */
      const runs = [];
      for (const part of line.split(/(<\/?b>)/)) {
        if (part === "<b>" || part === "</b>") bold = part === "<b>";
        else if (part) runs.push({ text: part, bold });
      }
      return runs;
    });
}

/** The width of a line, in pixels, from the advances of the shipped font.
 * @param {Run[]} runs @param {number} size */
export function lineWidth(runs, size) {
  let total = 0;
  for (const { text, bold } of runs) {
    const widths = ADVANCES[Number(bold)];
    for (const sign of text) total += widths.get(sign) ?? MISSING;
  }
  return (total * size) / 1000;
}

/** A line broken where it is longer than there is room, at spaces.
 * @param {Run[]} runs @param {number} size @param {number} room @returns {Run[][]} */
export function wrap(runs, size, room) {
  if (lineWidth(runs, size) <= room) return [runs];
  const words = runs.flatMap(({ text, bold }) => text.split(/(?<= )/).map((word) => ({ text: word, bold })));
  /** @type {Run[][]} */
  const broken = [[]];
  for (const word of words) {
    const line = broken[broken.length - 1];
    if (line.length && lineWidth([...line, { ...word, text: word.text.trimEnd() }], size) > room) broken.push([word]);
    else line.push(word);
  }
  return broken.map(joined);
}

/** Neighbours of one weight as one run, without spaces at the line's end.
 * @param {Run[]} runs @returns {Run[]} */
function joined(runs) {
  /** @type {Run[]} */
  const result = [];
  for (const run of runs) {
    const last = result[result.length - 1];
    if (last && last.bold === run.bold) last.text += run.text;
    else result.push({ ...run });
  }
  if (result.length) result[result.length - 1].text = result[result.length - 1].text.trimEnd();
  return result;
}

/** Whether two boxes share a place.
 * @param {Box} a @param {Box} b */
export function overlap(a, b) {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}
