/* The explorer without a kernel: controls, a Plotly figure drawn from written-out formulas, numbers beside it. */
(function () {
  "use strict";
  if (window.ResidualBlock && window.ResidualBlock.explorer) return;

  const PLOTLY = "https://cdn.plot.ly/plotly-basic-4.1.1.min.js"; // only where the page brings none (Colab, JupyterLab)
  const DARK = { "#0072B2": "#56B4E9", "#D55E00": "#F0894A", "#9CCAE6": "#2F6C93", "#F3B78F": "#8F5326", "#AA3377": "#E68AC0" };

  /* Python's format specs d, .2f, .1% with or without thousands separators. toFixed rounds the exact value, as Python
     does, but an exact tie upwards: that one goes to the even digit here. */
  function format(value, spec) {
    const [, comma, digits, type] = /^(,?)(?:\.(\d))?([df%])$/.exec(spec);
    const places = Number(digits || 0);
    const size = Math.abs(type === "%" ? 100 * value : value);
    const [whole, rest] = size.toFixed(places + 30).split(".");
    const cut = places ? whole + "." + rest.slice(0, places) : whole;
    const tie = /^50*$/.test(rest.slice(places)) && "02468".includes(cut[cut.length - 1]);
    const parts = (tie ? cut : size.toFixed(places)).split(".");
    if (comma) parts[0] = parts[0].replace(/\B(?=(\d{3})+$)/g, ",");
    return (value < 0 ? "-" : "") + parts.join(".") + (type === "%" ? "%" : "");
  }

  let loading;
  function plotly() {
    loading = loading || new Promise(function (resolve, reject) {
      function ready() {
        if (window.Plotly) return resolve(window.Plotly);
        const script = document.createElement("script");
        script.src = PLOTLY;
        script.onload = () => resolve(window.Plotly);
        script.onerror = () => reject(new Error("Plotly could not be loaded from " + PLOTLY));
        document.head.append(script);
      }
      if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", ready);
      else ready();
    });
    return loading;
  }

  function make(tag, properties, ...children) {
    const node = Object.assign(document.createElement(tag), properties);
    node.append(...children);
    return node;
  }

  function isDark(node) {
    const theme = document.documentElement.dataset.theme || document.body.dataset.jpThemeLight;
    if (theme === "dark" || theme === "false") return true;
    if (theme === "light" || theme === "true") return false;
    for (let n = node; n; n = n.parentElement) { // Colab and others: judge by the first painted background
      const c = getComputedStyle(n).backgroundColor.match(/[\d.]+/g);
      if (c && (c.length < 4 || c[3] > 0)) return (0.3 * c[0] + 0.59 * c[1] + 0.11 * c[2]) < 128;
    }
    return false;
  }

  /* The figure in the page's colours: dark twins of the book's colours, text and lines that suit the background. */
  function themed(figure, dark, size) {
    const text = dark ? "#CED6DD" : "#323232", grid = dark ? "#3A3F45" : "#E3E5E8";
    const swap = (v) => typeof v === "string" && dark ? (DARK[v] || v) :
      Array.isArray(v) ? v.map(swap) :
      v && typeof v === "object" ? Object.fromEntries(Object.entries(v).map(([k, x]) => [k, swap(x)])) : v;
    const layout = Object.assign({}, swap(figure.layout), { paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)" });
    layout.font = Object.assign({}, layout.font, { color: text, size });
    for (const key of Object.keys(layout)) {
      if (/^[xy]axis\d*$/.test(key)) Object.assign(layout[key], { gridcolor: grid, linecolor: grid, zerolinecolor: grid });
    }
    return { data: swap(figure.data), layout };
  }

  /* Labels that leave the plot, as on a phone in a wide font, are set in smaller letters, in steps: widths are rounded. */
  function fit(library, plot, usual) {
    const frame = plot.getBoundingClientRect(), sizes = {};
    for (const node of plot.querySelectorAll(".annotation")) {
      const box = node.querySelector(".annotation-text").getBoundingClientRect();
      const over = box.width && Math.max(box.right - frame.right, frame.left - box.left);
      const { font, xanchor } = plot.layout.annotations[node.dataset.index];
      const size = ((font && font.size) || usual) * (1 - (xanchor === "center" ? 2 : 1) * over / box.width);
      if (over > 0 && size > 6) sizes["annotations[" + node.dataset.index + "].font.size"] = size;
    }
    if (Object.keys(sizes).length) library.relayout(plot, sizes).then(() => fit(library, plot, usual));
  }

  function readHash(id) {
    const [name, query] = location.hash.slice(1).split("?");
    return name === id && query ? Object.fromEntries(new URLSearchParams(query)) : null;
  }

  function copy(text) {
    if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
    const area = make("textarea", { value: text });
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
    return Promise.resolve();
  }

  function python(value) {
    return typeof value === "string" ? "'" + value.replace(/\\/g, "\\\\").replace(/'/g, "\\'") + "'" : String(value);
  }

  function explorer(page, variants) {
    const script = document.currentScript;
    const root = (script && script.closest("[data-rl-explorer]")) ||
      document.querySelector('[data-rl-explorer="' + page.id + '"]:not([data-rl-live])');
    root.dataset.rlLive = "";
    const inBook = window.RL_BOOK === true; // the page's address is ours to write to, and Plotly comes with the page
    const defaults = Object.fromEntries(page.controls.map((c) => [c.name, c.value]));
    const values = Object.assign({}, defaults);
    const show = {}; // control name -> puts a value on the control
    const uid = page.id + "-" + Math.random().toString(36).slice(2, 8);

    function slider(control) {
      const output = make("output", {});
      const input = make("input", { type: "range", min: control.start, max: control.stop, step: control.step, id: uid + control.name });
      input.dataset.control = control.name;
      input.addEventListener("input", () => { values[control.name] = Number(input.value); update(); });
      input.addEventListener("change", settle);
      show[control.name] = (value) => {
        input.value = value;
        output.textContent = value.toLocaleString("en-US");
        input.style.setProperty("--filled", 100 * (value - control.start) / (control.stop - control.start) + "%");
      };
      output.style.minWidth = String(control.stop.toLocaleString("en-US")).length + "ch";
      return make("div", { className: "rl-control" }, make("label", { htmlFor: input.id }, control.label, output), input);
    }

    function choice(control) {
      const group = make("fieldset", { className: "rl-control rl-choice" }, make("legend", {}, control.label));
      const inputs = control.options.map((option) => {
        const input = make("input", { type: "radio", name: uid + control.name });
        input.dataset.control = control.name;
        input.dataset.option = option;
        input.addEventListener("change", () => { values[control.name] = option; settle(); });
        group.append(make("label", {}, input, make("span", {}, String(option))));
        return input;
      });
      show[control.name] = (value) => control.options.forEach((option, i) => { inputs[i].checked = option === value; });
      return group;
    }

    const plot = make("div", { className: "rl-plot" });
    plot.setAttribute("role", "img");
    plot.setAttribute("aria-label", page.description);
    const numbers = make("dl", { className: "rl-numbers" });
    const status = make("p", { className: "rl-hidden" });
    status.setAttribute("role", "status");
    const presets = make("div", { className: "rl-presets" });
    const buttons = Object.entries(page.presets).concat([["Reset", {}]]).map(([name, preset]) => {
      const button = make("button", { type: "button", textContent: name });
      button.addEventListener("click", () => { Object.assign(values, defaults, preset); settle(); });
      presets.append(button);
      return [button, Object.assign({}, defaults, preset)];
    });
    buttons[buttons.length - 1][0].className = "rl-reset";

    function copyButton(label, content) {
      const button = make("button", { type: "button", textContent: label });
      button.addEventListener("click", () => copy(content()).then(() => {
        button.textContent = "Copied";
        setTimeout(() => { button.textContent = label; }, 1500);
      }));
      return button;
    }
    const query = () => new URLSearchParams(values).toString();
    const tools = make("div", { className: "rl-tools" }, copyButton("Copy as code", () =>
      (page.module ? "from " + page.module + " import " + page.function + "\n\n" : "") + page.function + "(" +
      Object.entries(values).map(([k, v]) => k + "=" + python(v)).join(", ") + ')["numbers"]'));
    if (inBook) tools.append(copyButton("Copy link", () => location.href.split("#")[0] + "#" + page.id + "?" + query()));

    const fallback = root.querySelector(".rl-static");
    if (fallback) fallback.hidden = true;
    const face = make("div", { className: "rl-live" },
      presets,
      make("div", { className: "rl-controls" }, ...page.controls.map((c) => (c.options ? choice(c) : slider(c)))),
      make("div", { className: "rl-stage" }, plot, numbers),
      make("p", { className: "rl-caption", textContent: page.description }),
      tools, status);
    root.append(face);

    let library, frame, settled, width;
    const cells = new Map();
    function update() { if (!frame) frame = requestAnimationFrame(draw); }
    function draw() {
      frame = null;
      for (const control of page.controls) show[control.name](values[control.name]);
      for (const [button, preset] of buttons) {
        const on = page.controls.every((c) => preset[c.name] === values[c.name]);
        if (!button.className) button.setAttribute("aria-pressed", on);
      }
      const key = JSON.stringify(page.controls.filter((c) => c.options).map((c) => values[c.name]));
      const current = variants[key](values, format);
      for (const [label, value] of Object.entries(current.numbers)) {
        if (!cells.has(label)) {
          const cell = make("dd", {});
          numbers.append(make("div", {}, make("dt", { textContent: label }), cell));
          cells.set(label, cell);
        }
        cells.get(label).textContent = value;
      }
      for (const [label, cell] of cells) cell.parentElement.hidden = !(label in current.numbers);
      if (settled) status.textContent = Object.entries(current.numbers).map(([k, v]) => k + ": " + v).join("; ");
      settled = false;
      if (!library) return;
      width = Math.floor(plot.getBoundingClientRect().width);
      const size = width < 480 ? 11 : 13;
      const { data, layout } = themed(current, isDark(root), size);
      if (width) layout.width = width;
      library.react(plot, data, layout, { displayModeBar: false }).then(() => fit(library, plot, size));
    }
    function settle() { // the reader let go: the address follows, and a screen reader hears the numbers
      settled = true;
      if (inBook) history.replaceState(null, "", "#" + page.id + "?" + query());
      update();
    }
    function restore() {
      const wanted = inBook && readHash(page.id);
      if (!wanted) return;
      Object.assign(values, defaults);
      for (const control of page.controls) {
        const text = wanted[control.name];
        if (text === undefined) continue;
        const steps = (Number(text) - control.start) / control.step;
        const value = control.options ? control.options.find((option) => String(option) === text)
          : steps >= 0 && Number(text) <= control.stop && Math.abs(steps - Math.round(steps)) < 1e-6 ? Number(text) : undefined;
        if (value !== undefined) values[control.name] = value;
      }
      update();
      root.scrollIntoView({ block: "center" });
    }

    restore();
    draw();
    window.addEventListener("hashchange", restore);
    new MutationObserver(update).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    new MutationObserver(update).observe(document.body, { attributeFilter: ["data-jp-theme-light"] });
    new ResizeObserver(() => { if (Math.floor(plot.getBoundingClientRect().width) !== width) update(); }).observe(plot);
    plotly().then((loaded) => { library = loaded; draw(); }).catch((error) => { plot.textContent = error.message; });
  }

  window.ResidualBlock = Object.assign(window.ResidualBlock || {}, { explorer, format });
})();
