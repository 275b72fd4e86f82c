/* Whose a drawing is, on the page and in the file that a reader takes along. */

import { make } from "./dom.js";

const LICENCE = "https://creativecommons.org/licenses/by/4.0/";

/** @param {string} text @param {Record<string, any>} properties */
export const link = (text, properties) => make("a", { textContent: text, ...properties });

/** @param {Record<string, any>} more properties of the link */
export const licence = (more) => link("CC BY 4.0", { href: LICENCE, rel: "license", ...more });

/** The book that a page belongs to. */
export const book = () =>
  /** @type {HTMLMetaElement | null} */ (document.querySelector('meta[property="og:site_name"]'))?.content;

/** The address of this page, without what was asked of it. */
export const here = () => location.href.split(/[?#]/)[0];

/** What a file says of its origin.
 * @param {string} settings of an explorer, as the page's address writes them */
export const origin = (settings) => `${book()}, ${here()}${settings}, CC BY 4.0, ${LICENCE}`;
