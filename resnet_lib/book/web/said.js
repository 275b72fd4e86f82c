/* What a question is, and how a reply to it begins. */

import { make } from "./dom.js";

/**
 * @typedef {object} Asked what Python says about a question (resnet_lib/book/ask)
 * @property {"number" | "choice" | "quiz" | "exercise"} kind
 * @property {string} name
 * @property {string} answer
 * @property {Record<string, string>} replies HTML
 * @property {number} truth
 * @property {string} unit
 * @property {string} title of an exercise, and what else one has:
 * @property {string} wants
 * @property {[number, string][]} answers with what is said to each; of an exercise the first is right
 * @property {number} within
 * @property {boolean} whole
 * @property {string} otherwise
 * @property {Record<"number" | "whole" | "negative", string>} unreadable
 *
 * @typedef {{ guess: string, value?: number, right: boolean, said: Node[] }} Reply `right` and `said` to a guess
 * @typedef {{ node: HTMLElement, reply: (guess: string) => Reply | string, show: (guess: string | null) => void }} Box
 *   where a guess is made; what is said to it, or why it is not understood; and the guess shown, or nothing
 */

/** @param {string} html */
export const paragraph = (html, className = "") => make("p", { innerHTML: html, className });

/** What is said first: right or not, with a sign and not by colour alone.
 * @param {boolean} right @param {string} words @param {string} html what follows */
export function judged(right, words, html) {
  return paragraph(`<b>${right ? "✓" : "✗"} ${words}</b> ${html}`, right ? "rl-right" : "rl-wrong");
}
