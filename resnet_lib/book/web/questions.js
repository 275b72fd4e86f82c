/* Questions without a kernel: predictions that the page remembers, quizzes, and the box in which a number is checked. */

import { make } from "./dom.js";

/* What a reader typed, as a number: 1,179,648 and 1 179 648 and 1.2e6 will do. */
function read(text) {
  const plain = text.replace(/[\s,_\u202f\u00a0]/g, "").replace("\u2212", "-");
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain) ? Number(plain) : NaN;
}

/* "4.6 times too low", "12 % too high", "exactly right". */
function verdict(guess, truth) {
  if (guess === truth || Math.abs(guess - truth) < 0.0005 * Math.abs(truth)) return "Exactly right.";
  const direction = guess < truth ? "too low" : "too high";
  if (guess * truth <= 0) return "Your guess is " + direction + ".";
  const ratio = Math.max(guess / truth, truth / guess),
    share = 100 * Math.abs(guess / truth - 1);
  if (share < 10) return "Close: your guess is " + share.toFixed(share < 2 ? 1 : 0) + " % " + direction + ".";
  if (ratio < 2) return "Your guess is " + share.toFixed(0) + " % " + direction + ".";
  return (
    "Your guess is " +
    ratio.toLocaleString("en-US", { maximumSignificantDigits: ratio < 100 ? 2 : 3 }) +
    " times " +
    direction +
    "."
  );
}

function bars(page, guess) {
  const most = Math.max(guess, page.truth, 1e-300);
  const row = (name, value, words, mine) => [
    make("span", { textContent: name }),
    make(
      "span",
      {},
      make("i", { className: mine ? "rl-mine" : "", style: "width:" + Math.max(0, (100 * value) / most) + "%" }),
    ),
    make("span", { textContent: words }),
  ];
  const said = guess.toLocaleString("en-US", { maximumSignificantDigits: 15 }) + (page.unit ? " " + page.unit : "");
  return make(
    "div",
    { className: "rl-bars" },
    ...row("You", guess, said, true),
    ...row("Computed", page.truth, page.answer, false),
  );
}

/* What to say to the text of an exercise's answer: [right, HTML]. The same as Number.check in Python. */
function check(page, text) {
  const value = read(text),
    near = (a, b) => Math.abs(a - b) <= page.within * Math.abs(b);
  if (!Number.isFinite(value)) return [false, page.unreadable.number];
  if (value < 0) return [false, page.unreadable.negative];
  if (page.whole && value !== Math.round(value)) return [false, page.unreadable.whole];
  const found = page.answers.findIndex((row) => near(value, row[0]));
  return [found === 0, found < 0 ? page.otherwise : page.answers[found][1]];
}

export function ask(page, script = document.currentScript) {
  const root =
    (script && script.closest("[data-rl-question]")) ||
    document.querySelector('[data-rl-question="' + page.name + '"]:not([data-rl-live])');
  root.dataset.rlLive = "";
  const key = "residual-block:" + page.name;
  const remember = (answer) => {
    try {
      localStorage.setItem(key, JSON.stringify(answer));
    } catch (error) {
      /* private window */
    }
  };
  const forget = () => {
    try {
      localStorage.removeItem(key);
    } catch (error) {
      /* as above */
    }
  };
  function remembered() {
    try {
      return JSON.parse(localStorage.getItem(key));
    } catch (error) {
      return null;
    }
  }

  const reply = make("div", { className: "rl-reply" });
  reply.setAttribute("role", "status");
  const again = make("button", { type: "button", className: "rl-again", textContent: "Guess again", hidden: true });
  const folded = root.querySelector(".rl-folded");
  if (folded) folded.hidden = true;
  const label = page.kind === "exercise" ? page.title : root.querySelector(".rl-ask").textContent;
  const html = (text) => make("p", { innerHTML: text });
  let show, clear;

  if (page.kind === "number" || page.kind === "exercise") {
    const input = make("input", { type: "text", inputMode: "decimal", autocomplete: "off" });
    input.setAttribute("aria-label", label);
    const button = make("button", {
      type: "submit",
      textContent: page.kind === "number" ? "That is my guess" : "Check",
    });
    const form = make("form", {}, input, page.unit ? make("span", { textContent: page.unit }) : "", button);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      show(input.value);
    });
    show = function (text) {
      input.value = text;
      const value = read(text);
      if (page.kind === "exercise") {
        const [right, said] = check(page, text);
        reply.replaceChildren(html("<b>" + (right ? "✓ Right." : "✗ Not yet.") + "</b> " + said));
        return remember(text);
      }
      if (!Number.isFinite(value)) return reply.replaceChildren(html("A guess is a number here, such as 12 or 0.5."));
      reply.replaceChildren(bars(page, value), html(verdict(value, page.truth) + " " + page.replies[""]));
      again.hidden = false;
      remember(text);
    };
    clear = () => {
      input.value = "";
      input.focus();
    };
    root.append(form);
  } else {
    const group = make("div", { className: "rl-options" });
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", label);
    const options = Object.keys(page.replies);
    const buttons = options.map((option) =>
      make("button", { type: "button", textContent: option.replaceAll("`", "") }),
    );
    buttons.forEach((button, i) => button.addEventListener("click", () => show(options[i])));
    const press = (chosen) =>
      buttons.forEach((button, i) => button.setAttribute("aria-pressed", options[i] === chosen));
    show = function (option) {
      if (!options.includes(option)) return forget();
      press(option);
      const right = option === page.answer,
        quiz = page.kind === "quiz";
      const truth = make("b", { textContent: page.answer });
      reply.replaceChildren(
        make(
          "p",
          {},
          quiz
            ? make("b", { textContent: right ? "✓ Right." : "✗ Not this one." })
            : right
              ? "You guessed it: "
              : "You guessed otherwise. It is: ",
          quiz ? "" : truth,
        ),
      );
      reply.append(html(page.replies[option]));
      again.hidden = quiz;
      remember(option);
    };
    clear = () => {
      press(null);
      buttons[0].focus();
    };
    press(null);
    group.append(...buttons);
    root.append(group);
  }
  again.addEventListener("click", () => {
    forget();
    reply.replaceChildren();
    again.hidden = true;
    clear();
  });
  root.append(reply, again);
  const before = remembered();
  if (typeof before === "string") show(before);
}
