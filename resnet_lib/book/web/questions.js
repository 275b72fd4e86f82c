/* Questions without a kernel: predictions that the page remembers, quizzes, and the box in which a number is checked. */

import { chapterHere, forget, remember, remembered } from "./answers.js";
import { choices } from "./choice.js";
import { make } from "./dom.js";
import { field } from "./number.js";
import { inWords } from "./numbers.js";
import { judged, paragraph } from "./said.js";
import { followTheme } from "./theme.js";

/** @typedef {import("./said.js").Asked} Asked */

const DENIED = "Your browser does not let this page remember answers: they are gone when you leave it.";

/** Bring a question's element to life.
 * @param {Asked} page @param {HTMLOrSVGScriptElement | null} [script] that calls it */
export function ask(page, script = document.currentScript) {
  const root = /** @type {HTMLElement} */ (
    script?.closest("[data-rl-question]") ||
      document.querySelector(`[data-rl-question="${page.name}"]:not([data-rl-live])`)
  );
  root.dataset.rlLive = "";
  followTheme(root);
  const folded = root.querySelector(".rl-folded"),
    asked = root.querySelector(".rl-ask");
  if (folded) /** @type {HTMLElement} */ (folded).hidden = true;
  const text = asked
    ? [...asked.childNodes]
        .slice(1)
        .map((part) => part.textContent)
        .join("")
        .trim()
    : `${page.title}: ${page.wants}`;
  const label = asked ? text : page.title;
  const typed = page.kind === "number" || page.kind === "exercise";

  const replies = make("div", { className: "rl-reply", role: "status" });
  const again = make("button", { type: "button", className: "rl-again", hidden: true });
  again.textContent = page.kind === "number" || page.kind === "choice" ? "Guess again" : "Start over";
  const box = (typed ? field : choices)(page, label, answer);

  /** Reply to a guess, or say why there is no reply. Returns the reply.
   * @param {string} guess */
  function tell(guess) {
    const reply = box.reply(guess);
    if (typeof reply === "string") {
      replies.replaceChildren(page.kind === "exercise" ? judged(false, "Not yet.", reply) : paragraph(reply));
      return null;
    }
    box.show(guess);
    replies.replaceChildren(...reply.said);
    again.hidden = false;
    return reply;
  }

  /** @param {string} guess the reader's, now */
  function answer(guess) {
    const reply = tell(guess);
    if (!reply) return;
    const { right, value = null } = reply,
      known = right || page.kind === "number" || page.kind === "choice";
    const truth = page.kind === "number" ? page.truth : page.kind === "exercise" && known ? page.answers[0][0] : null;
    const kept = remember({
      kind: page.kind,
      name: page.name,
      chapter: chapterHere(),
      text,
      guess,
      value,
      truth,
      answer: known ? page.answer || inWords(Number(truth), 6) : "",
      unit: page.unit || "",
      right,
    });
    if (!kept && !document.querySelector(".rl-denied")) replies.after(paragraph(DENIED, "rl-denied"));
  }

  again.addEventListener("click", () => {
    forget(page.name);
    replies.replaceChildren();
    again.hidden = true;
    box.show(null);
  });
  root.append(box.node, replies, again);
  const before = remembered(page.name);
  if (before && (before.kind !== page.kind || !tell(before.guess))) {
    forget(page.name); // asked otherwise since then
    replies.replaceChildren();
  }
}
