/* One page in Firefox, driven over WebDriver BiDi. A line of standard input is a command, { "do": name, ... } as JSON;
   a line of standard output answers it: { "value": anything } or { "error": words }. Firefox ends with the input. */

import { createInterface } from "node:readline";
import puppeteer from "puppeteer-core";

const LONGEST = 30_000; // ms that a command may take
const PATIENCE = 5_000; // ms until what is waited for must be so
const NOWHERE = { host: "127.0.0.1", port: 9 }; // a proxy for all other hosts, at which nobody answers
const [executablePath, site, fonts] = process.argv.slice(2);
const PREFERENCES = {
  "layout.css.prefers-color-scheme.content-override": 1, // light
  "ui.prefersReducedMotion": 1,
  "security.sandbox.content.read_path_whitelist": fonts, // or no page finds the fonts that fontconfig names
  "network.proxy.type": 1,
  "network.proxy.http": NOWHERE.host,
  "network.proxy.http_port": NOWHERE.port,
  "network.proxy.ssl": NOWHERE.host,
  "network.proxy.ssl_port": NOWHERE.port,
};

const browser = await puppeteer.launch({
  browser: "firefox",
  executablePath,
  headless: true,
  timeout: 2 * LONGEST,
  extraPrefsFirefox: PREFERENCES,
});

const problems = [];
let context, page;

async function close() {
  const killed = setTimeout(() => browser.process()?.kill("SIGKILL"), PATIENCE);
  await browser.close().catch(() => {});
  clearTimeout(killed);
  process.exit();
}

const here = (url) => url.startsWith(`${site}/`) || /^(data|blob|about):/.test(url);

function listen() {
  page.on("console", (message) => {
    if (["error", "warn", "assert"].includes(message.type())) problems.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => {
    // Firefox says this of a fraction that has come in by half: tests/test_type.py looks at them whole.
    if (/^Invalid markup: Incorrect number of children for <m/.test(error.message)) return;
    problems.push(`uncaught, or a notice of Firefox: ${error.message}`);
  });
  page.on("request", (request) => {
    if (!here(request.url())) problems.push(`asks another host: ${request.url()}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400) problems.push(`${response.status()}: ${response.url()}`);
  });
}

const COMMANDS = {
  group: () => browser.process().pid,
  /** As a new reader, who has stored nothing. */
  async open({ address, width }) {
    await context?.close();
    context = await browser.createBrowserContext();
    page = await context.newPage();
    listen();
    await COMMANDS.resize({ width });
    await COMMANDS.go({ address });
  },
  go: async ({ address }) => void (await page.goto(`${site}/${address}`, { waitUntil: "load" })),
  reload: async () => void (await page.reload({ waitUntil: "load" })),
  resize: ({ width }) => page.setViewport({ width, height: 800 }),
  script: async ({ path }) => void (await page.addScriptTag({ path })),
  evaluate: ({ source, argument }) => page.evaluate(`(${source})(${JSON.stringify(argument)})`),
  until: async ({ source, argument }) =>
    void (await page.waitForFunction(`(${source})(${JSON.stringify(argument)})`, { timeout: PATIENCE })),
  press: ({ key }) => page.keyboard.press(key),
  type: ({ text }) => page.keyboard.type(text),
  move: ({ x, y }) => page.mouse.move(x, y),
  down: () => page.mouse.down(),
  up: () => page.mouse.up(),
  print: async ({ pages }) =>
    Buffer.from(await page.pdf({ printBackground: true, pageRanges: pages })).toString("base64"),
  picture: async ({ path }) => void (await page.screenshot({ path })),
  problems: () => problems.splice(0),
};

async function answer({ do: name, ...rest }) {
  let late;
  const timeout = new Promise((_, reject) => {
    late = setTimeout(() => reject(new Error(`Firefox has not answered within ${LONGEST / 1000} s`)), LONGEST);
  });
  try {
    return { value: (await Promise.race([COMMANDS[name](rest), timeout])) ?? null };
  } catch (error) {
    return { error: `${name}: ${error.message}` };
  } finally {
    clearTimeout(late);
  }
}

process.stdin.on("end", close);
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`);
}
