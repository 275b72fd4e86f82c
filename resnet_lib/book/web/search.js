/* The search page. The index (book/_ext/residual_search.py) is small enough to be read through at each key. A chapter
   is shown once, with its best sections and the sentences that say most of what was asked. */

import { make } from "./dom.js";

/** @typedef {{ word: string, start: number, end: number }} Word */
/** @typedef {{ words: string[], weight: number }} Name a thing's name, and how much finding it is worth */
/** @typedef {{ text: string, words: Word[] }} Line */
/** @typedef {{ page: number, url: string, title: string, titleWords: Word[], lines: Line[] }} Section */

const SHOWN = 3; // sections of a chapter at once
const { pages, synonyms } = window.RL_SEARCH;

/** The words of a text: "3 × 3" is one, "ResNet-50" and "resnet50" are the same two, plurals are as one.
 * @param {string} text @returns {Word[]} */
function words(text) {
  return [...text.matchAll(/\d+\s*[x×]\s*\d+(?!\p{L})|\p{L}+|\d+/giu)].map((found) => {
    let word = found[0]
      .toLowerCase()
      .normalize("NFKD")
      .replace(/\p{M}|\s/gu, "")
      .replace("×", "x");
    if (word.length > 3) word = word.replace(/([^su])s$/, "$1").replace(/([iy])z(?=(e|ed|ing|ation)$)/, "$1s");
    return { word, start: found.index, end: found.index + found[0].length };
  });
}

const bare = (text) => words(text).map(({ word }) => word);
const groups = synonyms.map((names) => names.map(bare));

/** @type {Section[]} */
const sections = pages.flatMap(({ url, sections: found }, page) =>
  found.map(([anchor, title, lines]) => ({
    page,
    title,
    url: anchor ? `${url}#${anchor}` : url,
    titleWords: words(title),
    lines: lines.map((text) => ({ text, words: words(text) })),
  })),
);

/** Where a name begins in these words; a beginning of its last word counts, too, if `open`.
 * @param {Word[]} text @param {string[]} name @param {boolean} open */
function places(text, name, open) {
  return text.flatMap((_, at) =>
    name.every(
      (word, i) =>
        text[at + i]?.word === word ||
        (open && i === name.length - 1 && word.length > 2 && text[at + i]?.word.startsWith(word)),
    )
      ? [at]
      : [],
  );
}

/** What is asked: things, each by the names that it goes by.
 * @param {string} query @returns {Name[][]} */
export function asked(query) {
  const rest = query
    .replace(/(\d)\s*[x×]\s*(?=\d)/gi, "$1x")
    .trim()
    .split(/\s+/)
    .map(bare)
    .filter((name) => name.length);
  const things = [];
  for (let at = 0; at < rest.length; at++) {
    let best = { names: [rest[at]], taken: 1 };
    for (let taken = 1; at + taken <= rest.length; taken++) {
      const phrase = rest
        .slice(at, at + taken)
        .flat()
        .join(" ");
      const group = groups.find((names) => names.some((name) => name.join(" ") === phrase));
      if (group) best = { names: [phrase.split(" "), ...group.filter((name) => name.join(" ") !== phrase)], taken };
    }
    things.push(best.names.map((name, i) => ({ words: name, weight: i ? 0.5 : 1 })));
    at += best.taken - 1;
  }
  return things;
}

/** How much a text says of a thing. @param {Word[]} text @param {Name[]} names @param {boolean} open */
const worth = (text, names, open) =>
  Math.max(...names.map(({ words: name, weight }) => weight * Math.log2(1 + places(text, name, open).length)));

/** The sections that say something of each thing, the best first.
 * @param {Name[][]} things @param {boolean} open */
function find(things, open) {
  const found = [];
  for (const section of sections) {
    const { page, titleWords, lines } = section;
    const text = lines.flatMap((line) => line.words);
    const scores = things.map((names) => 8 * worth(titleWords, names, open) + 2 * worth(text, names, open));
    if (!scores.every(Boolean)) continue;
    const together = lines.some((line) => things.every((names) => worth(line.words, names, open)));
    const defined = lines.some((line) =>
      things.some((names) =>
        names.some(
          ({ words: name }) =>
            places(line.words.slice(0, name.length), name, open).length &&
            line.text[line.words[name.length - 1].end] === ":",
        ),
      ),
    );
    const chapter = things.filter((names) => worth(words(pages[page].title), names, open)).length;
    const aside = { References: 0.2, Exercises: 0.5 }[section.title] ?? 1;
    found.push({
      section,
      score: aside * (scores.reduce((a, b) => a + b) + 3 * Number(together) + 6 * Number(defined) + 4 * chapter),
    });
  }
  return found.sort((a, b) => b.score - a.score);
}

/** A text with what was asked marked.
 * @param {string} text @param {Word[]} its @param {Name[][]} things @param {boolean} open */
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

/** A section with the two sentences that say most.
 * @param {Section} section @param {Name[][]} things @param {boolean} open */
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
  const results = document.querySelector(".rl-search-results"),
    count = document.querySelector(".rl-search-count");
  results.replaceChildren();
  const things = asked(query);
  let open = false,
    found = things.length ? find(things, open) : [];
  if (things.length && !found.length) found = find(things, (open = true));
  const chapters = [...new Set(found.map(({ section }) => section.page))];
  const plural = (number, name) => `${number} ${name}${number === 1 ? "" : "s"}`;
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
