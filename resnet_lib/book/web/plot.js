/* A figure in the page, as wide as its place, that answers to pointer, finger and keys. */

import { valuesOf } from "./controls.js";
import { grips, gripAt, solve } from "./handles.js";
import { scene, shapes } from "./scene.js";
import { answer } from "./values.js";
import { view } from "./view.js";

/** @typedef {{ held?: Record<string, [number, number]>, ghost?: Record<string, any> | null, slowly?: boolean }} Way */

/** Make the element that figures are drawn in. `figureAt` gives the figure when a control has another value; `controls`
 * are those that the reader may set.
 * @param {{ description: string, controls: () => import("./controls.js").Control[],
 *   figureAt: (name: string, value: any) => Record<string, any>, listener: import("./controls.js").Listener,
 *   tell: (words: string) => void }} about */
export function plot({ description, controls, figureAt, listener, tell }) {
  const host = document.createElement("div");
  host.className = "rl-plot";
  host.tabIndex = 0;
  host.setAttribute("role", "img");
  host.setAttribute("aria-label", description);
  const picture = view(host),
    values = answer(host, picture, tell);
  /** @type {Record<string, any> | null} */
  let figure = null;
  /** @type {Way} */
  let way = {};
  let width = 0;
  /** @type {Record<string, [number, number]>} */
  let ranges = {};

  const handles = () =>
    /** @type {import("./handles.js").Handle[]} */ (figure?.layout.meta?.handles || []).filter(({ control }) =>
      controls().some(({ name }) => name === control),
    );

  function draw(slowly = false) {
    width ||= Math.floor(host.clientWidth) || 640; // asked once: the observer below tells what changes
    if (!figure) return;
    const laid = scene(figure, width, way);
    ranges = laid.ranges;
    picture.show({ ...laid, marks: [...laid.marks, ...grips(laid.marks, handles())] }, slowly);
    for (const { control, along = "x" } of handles()) {
      const node = picture.node(`grip ${control}`);
      if (node) node.setAttribute("class", `rl-grip rl-along-${along}`);
    }
  }

  const held = (/** @type {Event} */ { target }) =>
    handles().find(({ control }) => picture.node(`grip ${control}`) === target);
  // `touch-action` alone is not enough: Chromium does not heed it inside an SVG and takes the finger to scroll.
  host.addEventListener("touchstart", (event) => held(event) && event.preventDefault(), { passive: false });

  host.addEventListener("pointerdown", (down) => {
    const handle = held(down);
    const control = handle && controls().find(({ name }) => name === handle.control);
    if (!handle || !control) return;
    down.preventDefault();
    values.hide();
    host.setPointerCapture(down.pointerId);
    const allowed = valuesOf(control),
      axis = handle.along === "y" ? 1 : 0;
    const move = (/** @type {PointerEvent} */ event) => {
      const at = picture.root.getBoundingClientRect(),
        scale = at.width / width;
      const wanted = axis ? (event.clientY - at.top) / scale : (event.clientX - at.left) / scale;
      const place = (/** @type {any} */ value) =>
        (gripAt(shapes(figureAt(control.name, value), width, { ...way, held: ranges }), handle) || [0, 0])[axis];
      listener.moved(control.name, solve(allowed, place, wanted));
    };
    const end = () => {
      host.removeEventListener("pointermove", move);
      for (const name of ["pointerup", "pointercancel"]) host.removeEventListener(name, end);
      listener.settled();
    };
    host.addEventListener("pointermove", move);
    for (const name of ["pointerup", "pointercancel"]) host.addEventListener(name, end);
  });

  new ResizeObserver(() => {
    const now = Math.floor(host.clientWidth) || width; // 0 while it is folded away
    if (now === width) return;
    width = now;
    draw();
  }).observe(host);

  return {
    host,
    /** What is drawn now, without handles and without what was before. */
    get drawing() {
      return scene(/** @type {Record<string, any>} */ (figure), width);
    },
    /** The ends of the axes that follow the data. */
    get ranges() {
      return ranges;
    },
    /** @param {Record<string, any>} next @param {Way} how */
    show(next, how) {
      figure = next;
      way = how;
      draw(how.slowly);
    },
  };
}
