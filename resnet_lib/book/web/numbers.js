/* Numbers as readers type them, and numbers in words: how far a guess is from the truth. */

import { grouped } from "./format.js";

const MAGNITUDES = { k: 3, thousand: 3, m: 6, mio: 6, million: 6, g: 9, b: 9, bn: 9, billion: 9, t: 12, trillion: 12 };
const TYPED =
  /^([+-]?) ?((?:[.,]?\d)(?:[\d.,'’ ]*\d)?[.,]?)(?: ?[x×*·] ?10(?:\^ ?([+-]?\d+)|([⁺⁻]?[⁰¹²³⁴-⁹]+))|e([+-]?\d+))? ?(\D*)$/i;
const GROUPED = /^([1-9]\d{0,2}([,. '’])\d{3}(?:\2\d{3})*)(?:([.,])(\d*))?$/;
const WORDS = /^(?:(?:[%×xkmgbt]|[a-z]{2,})(?![a-z]).*)?$/i;
const MAGNITUDE =
  /^(k|thousand|m|mio|millions?|g|b|bn|billions?|t|trillions?)(?=$| |(?:MAC|FLOP|param|parameter)s?\b)/i;
const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** The digits of a number with a decimal point, or "". A comma is a decimal comma unless groups of three follow it; a
 * point may be one of several that separate groups.
 * @param {string} digits */
function withPoint(digits) {
  const grouped = GROUPED.exec(digits);
  if (grouped) {
    const [, whole, between, mark, fraction] = grouped;
    if (mark === between) return "";
    const groups = whole.split(between);
    if (between !== "." || mark || groups.length > 2) return `${groups.join("")}.${fraction || "0"}`;
  }
  const plain = /^(\d*)[.,]?(\d*)$/.exec(digits);
  return plain ? `${plain[1] || "0"}.${plain[2] || "0"}` : "";
}

/** The power of ten in a unit: 9 in "G MACs", 0 in "layers".
 * @param {string} unit */
function powerOf(unit) {
  const found = /(?:^|\s)(k|M|G|thousand|million|billion)\s/.exec(unit);
  return found ? MAGNITUDES[/** @type {keyof typeof MAGNITUDES} */ (found[1].toLowerCase())] : 0;
}

/** What a reader typed, in the unit of the question, or NaN: "55,5", "1 179 648", "1.2e6", "44 layers". "55.5 G" is
 * 55.5 where the unit is G MACs and 55,500,000,000 where it is MACs; "25 %" is 25 where the unit is % and 0.25 elsewhere.
 * @param {string} text @param {string} [unit] the question's, such as "G MACs" */
export function readNumber(text, unit = "") {
  const plain = text
    .replace(/[\s_]+/g, " ")
    .replace(/[−–]/g, "-")
    .trim()
    .replace(/^[~≈=] ?/, "")
    .replace(/ ?[!?;:]+$/, "")
    .replace(/^10(?=\^|[⁺⁻⁰¹²³⁴-⁹])/, "1×10");
  const typed = TYPED.exec(plain);
  if (!typed) return NaN;
  const [, sign, digits, written, raised, exponent, end] = typed;
  const words = end.trim().replace(/\.$/, "");
  const number = withPoint(digits.trim());
  if (!number || !WORDS.test(words)) return NaN;
  let power = Number(
    written ||
      exponent ||
      (raised
        ? [...raised].map((sign) => (RAISED.includes(sign) ? RAISED.indexOf(sign) : sign === "⁻" ? "-" : "")).join("")
        : 0),
  );
  const magnitude = MAGNITUDE.exec(words),
    own = powerOf(unit);
  if (/^(%|per ?cent)/i.test(words)) power -= /%|per ?cent/i.test(unit) ? 0 : 2;
  else if (magnitude)
    power += MAGNITUDES[/** @type {keyof typeof MAGNITUDES} */ (magnitude[1].toLowerCase().replace(/ns$/, "n"))] - own;
  // "55,500,000,000 MACs" where G MACs are asked for: the reader has named another unit. "55.5 MACs" leaves out the G.
  else if (own && words && unit.toLowerCase().includes(words.toLowerCase()) && Number(`${number}e${power - own}`) >= 1)
    power -= own;
  return Number(`${sign}${number}e${power}`);
}

/** A number in few signs: 1,179,648 and 55.51, but 1.8 × 10²³.
 * @param {number} value @param {number} [digits] significant ones of a number that is not whole */
export function inWords(value, digits = 4) {
  const size = Math.abs(value);
  if (size >= Math.max(1e9, 10 ** digits) || (size > 0 && size < 1e-4)) {
    const [mantissa, power] = value.toExponential(2).split("e");
    const raised = [...power.replace("+", "")].map((sign) => (sign === "-" ? "⁻" : RAISED[Number(sign)])).join("");
    return `${mantissa.replace(/\.?0+$/, "").replace("-", "−")} × 10${raised}`;
  }
  const whole = Math.trunc(size).toString().length;
  return grouped(value, { maximumSignificantDigits: Math.max(digits, whole) });
}

/** How far a guess is from the truth: "4.6 times too low", "12 % too high", "exactly right".
 * @param {number} guess @param {number} truth */
export function errorOf(guess, truth) {
  if (guess === truth || Math.abs(guess - truth) < 0.0005 * Math.abs(truth)) return "exactly right";
  const direction = guess < truth ? "too low" : "too high";
  if (Math.sign(guess) !== Math.sign(truth)) return direction;
  const ratio = Math.max(guess / truth, truth / guess),
    share = 100 * Math.abs(guess / truth - 1);
  if (ratio < 2) return `${share.toFixed(share < 2 ? 1 : 0)} % ${direction}`;
  if (ratio > 1e15) return `more than 10¹⁵ times ${direction}`;
  return `${inWords(Number(ratio.toPrecision(ratio < 100 ? 2 : 3)))} times ${direction}`;
}

/** The same as a sentence.
 * @param {number} guess @param {number} truth */
export function verdictOf(guess, truth) {
  const error = errorOf(guess, truth);
  if (error === "exactly right") return "Exactly right.";
  return `${Math.abs(guess / truth - 1) < 0.1 ? "Close: your" : "Your"} guess is ${error}.`;
}
