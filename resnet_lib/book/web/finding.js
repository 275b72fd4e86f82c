/* What the search finds: the index (book/_ext/residual_search.py) is small enough to be read through at each key. */

/** @typedef {{ word: string, start: number, end: number }} Word */
/** @typedef {{ words: string[], weight: number }} Name a thing's name, and how much finding it is worth */
/** @typedef {{ page: number, url: string, title: string, titleWords: Word[], lines: { text: string, words: Word[] }[] }} Section */

export const { pages, synonyms } = window.RL_SEARCH;

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

/** @param {string} text */
const bare = (text) => words(text).map(({ word }) => word);
/** @type {string[][][]} */
const groups = synonyms.map((/** @type {string[]} */ names) => names.map(bare));

/** @type {Section[]} */
const sections = pages.flatMap((/** @type {any} */ { url, sections: found }, /** @type {number} */ page) =>
  found.map((/** @type {[string, string, string[]]} */ [anchor, title, lines]) => ({
    page,
    title,
    url: anchor ? `${url}#${anchor}` : url,
    titleWords: words(title),
    lines: lines.map((text) => ({ text, words: words(text) })),
  })),
);

/** Where a name begins in these words; a beginning of its last word counts, too, if `open`.
 * @param {Word[]} text @param {string[]} name @param {boolean} open */
export function places(text, name, open) {
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
export const worth = (text, names, open) =>
  Math.max(...names.map(({ words: name, weight }) => weight * Math.log2(1 + places(text, name, open).length)));

/** The sections that say something of each thing, the best first.
 * @param {Name[][]} things @param {boolean} open */
export function find(things, open) {
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
