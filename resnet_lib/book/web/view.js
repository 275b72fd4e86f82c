/* A scene in the page: elements by their keys, which move to where the next scene has them. */

import { create, set } from "./dom.js";
import { element, frame } from "./mark.js";
import { between } from "./tween.js";

/** @typedef {import("./mark.js").Mark} Mark */
/** @typedef {import("./svg.js").Scene} Scene */

const DURATION = 200; // ms

/** A place in the page that shows one scene after the other.
 * @param {HTMLElement} host */
export function view(host) {
  const root = /** @type {SVGSVGElement} */ (create("svg"));
  root.setAttribute("class", "rl-svg");
  root.setAttribute("aria-hidden", "true"); // the host has the words for it
  const below = create("g"),
    above = create("g");
  /** @type {Element[]} */
  const plots = [];
  /** @type {Map<string, { node: Element, mark: Mark, values: Record<string, string>, held: string }>} */
  const shown = new Map();
  root.append(below, above);
  host.replaceChildren(root);
  let running = 0;
  /** @type {Scene | null} */
  let target = null;
  let order = "";
  /** @type {Record<string, string>[]} */
  const framed = []; // attributes of the root, then of the plots

  const parent = (/** @type {Mark} */ { clip }) => (clip === undefined ? below : clip === -1 ? above : plots[clip]);

  /** @param {Mark} mark */
  function draw(mark) {
    const [name, values, held] = element(mark);
    let entry = shown.get(mark.key);
    if (!entry || entry.node.tagName !== name) {
      entry?.node.remove();
      entry = { node: create(name), mark, values: {}, held: "" };
      shown.set(mark.key, entry);
      parent(mark).append(entry.node);
    }
    set(entry.node, values, entry.values);
    if (entry.held !== held) entry.node.innerHTML = held;
    Object.assign(entry, { mark, values, held });
  }

  /** @param {Element} node @param {number} i @param {Record<string, string>} values */
  function resize(node, i, values) {
    set(node, values, framed[i]);
    framed[i] = values;
  }

  /** @param {Scene} scene */
  function arrange(scene) {
    resize(root, 0, {
      viewBox: `0 0 ${scene.width} ${scene.height}`,
      width: String(scene.width),
      height: String(scene.height),
    });
    while (plots.length > scene.clips.length) plots.pop()?.remove();
    framed.length = 1 + plots.length;
    scene.clips.forEach((box, i) => {
      if (!plots[i]) above.before((plots[i] = create("svg")));
      resize(plots[i], i + 1, frame(box));
    });
    const keys = scene.marks.map(({ key, clip }) => `${key}@${clip}`).join();
    if (keys === order) return;
    order = keys;
    const wanted = new Set(scene.marks.map(({ key }) => key));
    for (const [key, { node }] of shown) {
      if (wanted.has(key)) continue;
      node.remove();
      shown.delete(key);
    }
    for (const mark of scene.marks) {
      const entry = shown.get(mark.key);
      if (entry) parent(mark).append(entry.node);
      else draw(mark);
    }
  }

  return {
    root,
    get marks() {
      return target ? target.marks : [];
    },
    /** The element of a mark. @param {string} key */
    node: (key) => shown.get(key)?.node,
    /** Show a scene, at once or in some frames.
     * @param {Scene} scene @param {boolean} slowly */
    show(scene, slowly) {
      const former = new Map([...shown].map(([key, { mark }]) => [key, mark]));
      target = scene;
      arrange(scene);
      const begin = performance.now(),
        turn = ++running;
      const still = !slowly || !former.size || matchMedia("(prefers-reduced-motion: reduce)").matches;
      const next = (/** @type {number} */ now) => {
        if (turn !== running) return;
        const share = still ? 1 : Math.min(1, Math.max(0, (now - begin) / DURATION)),
          t = share * (2 - share);
        for (const mark of scene.marks) {
          const start = former.get(mark.key);
          draw(share === 1 ? mark : start ? between(start, mark, t) : { ...mark, opacity: t * (mark.opacity ?? 1) });
        }
        if (share < 1) requestAnimationFrame(next);
      };
      next(begin);
    },
  };
}
