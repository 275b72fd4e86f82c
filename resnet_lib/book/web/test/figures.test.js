/* The pieces that a figure is made with, each by itself. tests/test_scene.py has the figures of the book. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { hiddenNames, settings, written } from "../address.js";
import { valuesOf } from "../controls.js";
import { format } from "../format.js";
import { solve } from "../handles.js";
import { arrange, inkOf } from "../labels.js";
import { normal } from "../normal.js";
import { at, invert, place, short, step, tickValues, tickWords } from "../scale.js";
import { scene } from "../scene.js";
import { fileName } from "../share.js";
import { element } from "../mark.js";
import { standalone } from "../svg.js";
import { lines, lineWidth, overlap, wrap } from "../text.js";
import { between } from "../tween.js";

const linear = { log: false, from: 0, to: 10, start: 100, end: 300 };
const log = { log: true, from: 0, to: 4, start: 300, end: 100 };

test("a scale and its inverse", () => {
  assert.equal(place(linear, 5), 200);
  assert.equal(place(log, 100), 200);
  for (const position of [0, 1.7, 4]) assert.ok(Math.abs(invert(log, at(log, position)) - position) < 1e-12);
});

test("ticks are round, inside, and never more than asked for", () => {
  for (let i = 1; i < 400; i++) {
    const scale = { ...linear, from: -i / 7, to: i * i * 0.37 };
    const most = 2 + (i % 9);
    const values = tickValues(scale, {}, most);
    assert.ok(values.length >= 1 && values.length <= most + 1, `${i}: ${values}`);
    assert.ok(values.every((value) => value >= scale.from - 1e-9 && value <= scale.to * (1 + 1e-9)));
    assert.match(String(Number(step(scale.to - scale.from, most).toPrecision(3)).toExponential()), /^[125]e/);
  }
  assert.deepEqual(tickValues(log, {}, 9), [1, 10, 100, 1000, 10000]);
  assert.deepEqual(tickValues(linear, { tickvals: [-1, 2, 11] }, 9), [2]);
});

test("numbers at ticks have the book's prefixes", () => {
  assert.deepEqual(
    [0, 5e4, 1e5].map((value) => short(value, 1e5)),
    ["0", "50 k", "100 k"],
  );
  assert.equal(short(5e10, 5e10), "50 G");
  assert.equal(short(-0.25, 1), "\u22120.25");
  assert.deepEqual(tickWords([0, 0.25], { tickformat: ".0%" }), ["0 %", "25 %"]);
});

test("words are measured and broken", () => {
  const [[bold, rest]] = lines("<b>basic</b>, 64 channels");
  assert.deepEqual(
    [bold, rest],
    [
      { text: "basic", bold: true },
      { text: ", 64 channels", bold: false },
    ],
  );
  assert.ok(lineWidth([bold], 15) > lineWidth([{ ...bold, bold: false }], 15));
  const [line] = lines("one two three four five six seven");
  const broken = wrap(line, 15, 80);
  assert.ok(broken.length > 2 && broken.every((runs) => lineWidth(runs, 15) <= 80));
  assert.equal(
    broken.map((runs) => runs.map(({ text }) => text).join("")).join(" "),
    "one two three four five six seven",
  );
  assert.deepEqual(lines("a<br>b").length, 2);
});

test("words that would lie over others make way", () => {
  const word = { key: "a", x: 10, y: 50, lines: lines("the same words"), size: 15, anchor: "start" };
  const placed = arrange([word, { ...word, key: "b" }, { ...word, key: "c", x: 290 }], [], {
    width: 300,
    height: 120,
  }).map(inkOf);
  for (const [i, a] of placed.entries()) {
    assert.ok(a.x >= 0 && a.x + a.width <= 300 && a.y >= 0 && a.y + a.height <= 120);
    for (const b of placed.slice(0, i)) assert.ok(!overlap(a, b));
  }
});

test("a handle finds the value that lies nearest to the pointer", () => {
  const values = [16, 32, 48, 64, 80];
  for (const [factor, offset] of [
    [2, 0],
    [-3, 400],
  ]) {
    for (const wanted of [-1000, 40, 95, 160, 1000]) {
      const place = (/** @type {number} */ value) => factor * value + offset;
      const best = Math.min(...values.map((value) => Math.abs(place(value) - wanted)));
      assert.equal(Math.abs(place(solve(values, place, wanted)) - wanted), best);
    }
  }
});

test("an address gives what a control can take, and nothing else", () => {
  const controls = [
    { name: "width", label: "w", value: 64, start: 16, stop: 128, step: 16 },
    { name: "share", label: "s", value: 0.5, start: 0, stop: 1, step: 0.1 },
    { name: "unit", label: "u", value: "MACs", options: ["MACs", "3×3 & 1×1"], start: 0, stop: 0, step: 0 },
  ];
  const chosen = { width: 32, share: 0.3, unit: "3×3 & 1×1" };
  assert.deepEqual(settings(written("f", chosen), "f", controls), chosen);
  assert.equal(settings(written("g", chosen), "f", controls), null);
  for (const query of ["width=17&unit=bananas", "width=1e9", "width=", "nonsense=1", "share=%22%3E"]) {
    assert.deepEqual(settings(`#f?${query}`, "f", controls), { width: 64, share: 0.5, unit: "MACs" });
  }
  assert.deepEqual(valuesOf(controls[1]).slice(0, 4), [0, 0.1, 0.2, 0.3]);
});

test("a figure may leave out what Plotly lets one leave out", () => {
  const figure = { data: [{ type: "bar", x: ["a", "b", "a"], y: [1, 2, 3] }, { y: [4, 5] }], layout: {}, numbers: {} };
  const made = normal(figure);
  assert.deepEqual(made.data[0].x, [0, 1, 0]);
  assert.deepEqual(made.data[1].x, [0, 1]);
  assert.deepEqual(made.layout.xaxis.ticktext, ["a", "b"]);
  assert.ok(scene(figure, 400).marks.some(({ key }) => key === "bar 0 1"));
});

test("an axis that is held only grows", () => {
  const figure = (/** @type {number} */ value) => ({
    data: [{ type: "bar", orientation: "h", x: [value], y: [0] }],
    layout: { xaxis: { rangemode: "tozero" } },
  });
  const { ranges } = scene(figure(100), 400);
  assert.deepEqual(scene(figure(10), 400, { held: ranges }).ranges.x, ranges.x);
  assert.ok(scene(figure(300), 400, { held: ranges }).ranges.x[1] > 300);
  assert.deepEqual(scene(figure(10), 400, { ghost: figure(100) }).ranges.x, ranges.x);
});

test("between two marks lies a mark", () => {
  const [a, b] = [
    { key: "a", x: 0, width: 10, points: [[0, 0]] },
    { key: "a", x: 10, width: 20, points: [[4, 8]] },
  ];
  assert.deepEqual(between(a, b, 0.5), { key: "a", x: 5, width: 15, points: [[2, 4]] });
});

test("words cannot break out of a drawing", () => {
  const [, , held] = element({ key: "a", lines: [[{ text: "<script>&", bold: false }]], size: 15 });
  assert.ok(held.includes("&lt;script&gt;&amp;"));
});

test("numbers are written as in the book", () => {
  assert.equal(format(1234567, ",d"), "1,234,567");
  assert.equal(format(0.125, ".2f"), "0.12");
  assert.equal(format(-0.5, ".1%"), "\u221250.0 %");
});

test("an address hides controls, those that there are", () => {
  const controls = ["width", "unit", "depth"].map((name) => ({
    name,
    label: name,
    value: 1,
    start: 1,
    stop: 3,
    step: 1,
  }));
  const hidden = (/** @type {string} */ query) => hiddenNames(`#two-ways?${query}`, "two-ways", controls);
  assert.deepEqual(hidden("width=2&hide=unit,width"), ["width", "unit"]);
  assert.deepEqual(hidden("hide=%20unit , depth,,bananas,unit"), ["unit", "depth"]);
  for (const query of ["hide=", "hide", "hide=%", "hide=<b>", "hide=width unit", "hide=toString,__proto__", "width=2"])
    assert.deepEqual(hidden(query), []);
  assert.deepEqual(hiddenNames("#other?hide=width", "two-ways", controls), []);
  assert.deepEqual(hiddenNames(written("two-ways", { width: 2 }, ["unit", "width"]), "two-ways", controls), [
    "width",
    "unit",
  ]);
  assert.deepEqual(settings("#two-ways?width=9&hide=width", "two-ways", controls), { width: 1, unit: 1, depth: 1 });
});

test("a template is filled in for each item, as Plotly does it", () => {
  const figure = {
    data: [
      {
        x: [1, 2],
        y: [1000, 0.5],
        mode: "lines",
        hovertemplate: "%{x}, %{y:,.1f}, %{marker.color:.0%}<extra></extra>",
      },
    ],
    layout: {},
  };
  figure.data[0].marker = { color: 0.25 };
  const said = scene(figure, 400).marks.flatMap(({ says }) => says || []);
  assert.deepEqual(said, ["1, 1,000.0, 25 %", "2, 0.5, 25 %"]);
});

test("a drawing that stands alone needs no style sheet", () => {
  const figure = {
    data: [{ type: "bar", x: [1], y: [2], marker: { color: "#0072B2" }, hovertext: ["a"] }],
    layout: { annotations: [{ text: "a < b", x: 1, y: 2 }] },
  };
  const about = { title: "<i>", description: "$& & more", source: "CC BY 4.0" };
  const text = standalone(scene(figure, 300), { ...about, colour: (name) => (name === "--c-0072B2" ? "#123456" : "") });
  assert.doesNotMatch(text, /var\(|class=/);
  assert.match(
    text,
    /^<svg xmlns="http:\/\/www.w3.org\/2000\/svg"[^>]*><title>&lt;i&gt;<\/title><desc>\$&amp; &amp; more<\/desc>/,
  );
  assert.match(text, /fill="#123456"/);
  assert.equal(
    fileName("grouped", { groups: "one for each", window: "3×3/2" }),
    "grouped_groups-one-for-each_window-3x3-2.svg",
  );
});
