/* The values of what is drawn, with their names: on hover, on a tap, and with the arrow keys. */

import { make } from "./dom.js";
import { inkOf } from "./labels.js";

/** @typedef {import("./mark.js").Mark} Mark */

const REACH = 18; // pixels from a mark within which it answers

/** The place of a mark.
 * @param {Mark} mark @returns {import("./text.js").Box} */
export function boxOf(mark) {
  const { x = 0, y = 0, width = 0, height = 0, size = 0 } = mark;
  if (mark.lines) return inkOf(mark);
  if (mark.symbol) return { x: x - size / 2, y: y - size / 2, width: size, height: size };
  if (!mark.points) return { x, y, width, height };
  const xs = mark.points.map((point) => point[0]),
    ys = mark.points.map((point) => point[1]);
  const left = Math.min(...xs),
    top = Math.min(...ys);
  return { x: left, y: top, width: Math.max(...xs) - left, height: Math.max(...ys) - top };
}

/** How far a point is from a mark, and from its middle if it is inside.
 * @param {Mark} mark @param {number} x @param {number} y */
function distance(mark, x, y) {
  const box = boxOf(mark);
  const dx = Math.max(box.x - x, 0, x - box.x - box.width),
    dy = Math.max(box.y - y, 0, y - box.y - box.height);
  return (
    Math.hypot(dx, dy) +
    ((mark.symbol ? 0.01 : 0.02) * Math.hypot(box.x + box.width / 2 - x, box.y + box.height / 2 - y)) / 100
  );
}

/** Let the marks of a view answer.
 * @param {HTMLElement} host @param {{ root: SVGSVGElement, marks: Mark[] }} view @param {(words: string) => void} tell */
export function answer(host, view, tell) {
  const bubble = make("div", { className: "rl-value", hidden: true });
  host.append(bubble);
  let chosen = "";

  const speaking = () => view.marks.filter((mark) => mark.says);

  /** @param {Mark | undefined} mark */
  function show(mark) {
    chosen = mark ? mark.key : "";
    bubble.hidden = !mark;
    if (!mark) return;
    const box = boxOf(mark),
      scale = view.root.getBoundingClientRect().width / view.root.viewBox.baseVal.width || 1;
    bubble.textContent = mark.says || "";
    const centre = (box.x + box.width / 2) * scale,
      half = bubble.offsetWidth / 2;
    bubble.style.left = `${Math.min(Math.max(centre, half), host.clientWidth - half)}px`;
    bubble.style.top = `${Math.max(box.y * scale - 6, bubble.offsetHeight)}px`;
  }

  /** @param {MouseEvent} event */
  function ask(event) {
    if (event.buttons) return show(undefined); // something is being dragged
    const at = view.root.getBoundingClientRect(),
      scale = at.width / view.root.viewBox.baseVal.width || 1;
    const x = (event.clientX - at.left) / scale,
      y = (event.clientY - at.top) / scale;
    const near = speaking()
      .map((mark) => ({ mark, far: distance(mark, x, y) }))
      .sort((a, b) => a.far - b.far)[0];
    show(near && near.far < REACH ? near.mark : undefined);
  }
  host.addEventListener("pointermove", ask);
  host.addEventListener("click", ask); // a finger that taps does not move
  host.addEventListener("pointerleave", (event) => {
    if (event.pointerType === "mouse") show(undefined);
  });
  host.addEventListener("blur", () => show(undefined));
  host.addEventListener("keydown", (event) => {
    const marks = speaking(),
      at = marks.findIndex(({ key }) => key === chosen);
    const next = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: -1 }[
      event.key
    ];
    if (event.key === "Escape") return show(undefined);
    if (next === undefined || !marks.length || event.target !== host) return;
    event.preventDefault();
    const mark = marks[(Math.max(next, -1) + marks.length) % marks.length];
    show(mark);
    tell(mark.says || "");
  });
  return { hide: () => show(undefined) };
}
