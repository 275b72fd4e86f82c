/* The book's numbers: Python's format specs d, .2f, .1%, with or without thousands separators, but a minus that is one
   and a space before a percent sign. toFixed rounds the exact value, as Python does, but an exact tie upwards: that one
   goes to the even digit here. */

/** Rounded to so many places, a tie to the even digit.
 * @param {number} size @param {number} places */
function fixed(size, places) {
  const scaled = size * 10 ** places;
  const nearTie = Math.abs((scaled % 1) - 0.5) < 1e-9 * (1 + scaled);
  if (!nearTie) return size.toFixed(places); // nearly always; what follows takes ten times as long
  const [whole, rest] = size.toFixed(places + 30).split(".");
  const cut = places ? `${whole}.${rest.slice(0, places)}` : whole;
  const tie = /^50*$/.test(rest.slice(places)) && "02468".includes(cut[cut.length - 1]);
  return tie ? cut : size.toFixed(places);
}

/** @type {Map<string, Intl.NumberFormat>} */
const writers = new Map(); // one costs as much as a thousand numbers that it writes

/** A number with its digits in groups of three.
 * @param {number} value @param {Intl.NumberFormatOptions} [how] */
export function grouped(value, how = {}) {
  const key = JSON.stringify(how);
  let writer = writers.get(key);
  if (!writer) writers.set(key, (writer = new Intl.NumberFormat("en-US", how)));
  return writer.format(value).replace("-", "\u2212");
}

/** @param {number} value @param {string} spec */
export function format(value, spec) {
  const [, comma, digits, type] = /^(,?)(?:\.(\d))?([df%])$/.exec(spec) || [];
  const places = Number(digits || 0);
  const size = Math.abs(type === "%" ? 100 * value : value);
  const parts = fixed(size, places).split(".");
  if (comma) parts[0] = parts[0].replace(/\B(?=(\d{3})+$)/g, ",");
  return (value < 0 ? "\u2212" : "") + parts.join(".") + (type === "%" ? " %" : "");
}
