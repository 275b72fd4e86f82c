/* The search page. A chapter is shown once, with its best sections and the sentences that say most of what was asked. */

import { make } from "./dom.js";
import { asked, find, pages, places, worth } from "./finding.js";

/** @typedef {import("./finding.js").Word} Word */
/** @typedef {import("./finding.js").Name} Name */
/** @typedef {import("./finding.js").Section} Section */

const SHOWN = 3; // sections of a chapter at once

/** A text with what was asked marked. @param {string} text @param {Word[]} its @param {Name[][]} things @param {boolean} open */
function marked(text, its, things, open) {
  const spans = things
    .flat()
    .flatMap(({ words: name }) => places(its, name, open).map((at) => [its[at].start, its[at + name.length - 1].end]))
    .sort((a, b) => a[0] - b[0]);
  const parts = [];
  let done = 0;
  for (const [start, end] of spans) {
    if (start < done) continue;
    parts.push(text.slice(done, start), make("mark", { textContent: text.slice(start, end) }));
    done = end;
  }
  return [...parts, text.slice(done)];
}

/** A section with the two sentences that say most. @param {Section} section @param {Name[][]} things @param {boolean} open */
function shown({ title, titleWords, url, lines }, things, open) {
  const best = lines
    .map((line, at) => ({ line, at, score: things.reduce((sum, names) => sum + worth(line.words, names, open), 0) }))
    .filter(({ score }) => score)
    .sort((a, b) => b.score - a.score || a.at - b.at)
    .slice(0, 2)
    .sort((a, b) => a.at - b.at);
  if (!best.length && lines.length) best.push({ line: lines[0], at: 0, score: 0 }); // its title says it
  const text = best.flatMap(({ line, at }, i) => [
    i && at > best[i - 1].at + 1 ? " … " : " ",
    ...marked(line.text, line.words, things, open),
  ]);
  return make("li", {}, make("a", { href: url }, ...marked(title, titleWords, things, open)), make("p", {}, ...text));
}

/** @param {string} query */
function search(query) {
  const results = /** @type {HTMLElement} */ (document.querySelector(".rl-search-results"));
  const count = /** @type {HTMLElement} */ (document.querySelector(".rl-search-count"));
  results.replaceChildren();
  const things = asked(query);
  let open = false,
    found = things.length ? find(things, open) : [];
  if (things.length && !found.length) found = find(things, (open = true));
  const chapters = [...new Set(found.map(({ section }) => section.page))];
  const plural = (/** @type {number} */ number, /** @type {string} */ name) =>
    `${number} ${name}${number === 1 ? "" : "s"}`;
  count.textContent = !query.trim()
    ? ""
    : found.length
      ? `${plural(found.length, "section")} in ${plural(chapters.length, "chapter")}`
      : `Nothing in the book about “${query.trim()}”. Try fewer words, or another one.`;
  for (const page of chapters) {
    const mine = found
      .filter(({ section }) => section.page === page)
      .map(({ section }) => shown(section, things, open));
    const more = mine.splice(SHOWN);
    const group = make("section", {}, make("h2", {}, pages[page].title), make("ul", {}, ...mine));
    if (more.length)
      group.append(
        make(
          "details",
          { className: "rl-more" },
          make("summary", { textContent: `${more.length} more in this chapter` }),
          make("ul", {}, ...more),
        ),
      );
    results.append(group);
  }
}

const form = /** @type {HTMLFormElement} */ (document.querySelector(".rl-search form"));
const field = /** @type {HTMLInputElement} */ (form.elements.namedItem("q"));
field.value = new URLSearchParams(location.search).get("q") ?? "";
search(field.value);
field.focus();
field.addEventListener("input", () => {
  search(field.value);
  history.replaceState(null, "", field.value ? `?q=${encodeURIComponent(field.value)}` : location.pathname);
});
form.addEventListener("submit", (event) => event.preventDefault());
