// Opens the keeper's page in Chromium and asserts what a reader needs: `node page.cjs URL FOLDER`. Pictures go into FOLDER;
// when FOLDER/ready appears, it waits for a change on the chain. The last line is a JSON report.
"use strict";
const assert = require("node:assert");
const fs = require("node:fs");
const { execFileSync } = require("node:child_process");
const { chromium } = require("playwright-core");

const [url, folder] = process.argv.slice(2);
const found = ["chromium", "chromium-browser", "google-chrome"].map((name) => {
  try { return execFileSync("which", [name]).toString().trim(); } catch { return ""; }
}).find(Boolean);
if (!found) throw new Error("Chromium is not installed: scripts/setup-services installs it");

async function open(browser, options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const wrong = [];
  page.on("pageerror", (error) => wrong.push(String(error)));
  page.on("console", (message) => { if (message.type() === "error") wrong.push(message.text()); });
  page.on("request", (request) => { if (!request.url().startsWith(url) && !request.url().startsWith("data:")) wrong.push(`asks ${request.url()}`); });
  await page.goto(url);
  await page.waitForSelector("#sinks tbody tr");
  await page.waitForSelector("#health[data-state=well]");
  return { context, page, wrong };
}

async function main() {
  const browser = await chromium.launch({ executablePath: found, args: ["--no-sandbox", "--disable-gpu"] });
  const report = {};
  try {
    const { page, wrong, context } = await open(browser, { viewport: { width: 1200, height: 900 } });
    // Who pays, who is paid, how much.
    report.sinks = await page.$$eval("#sinks tbody td:first-child", (cells) => cells.map((it) => it.title));
    report.sources = await page.$$eval("#sources tbody td:first-child", (cells) => cells.map((it) => it.title));
    report.tabs = await page.$$eval("[role=tab]", (tabs) => tabs.map((it) => it.title));
    report.tiles = await page.$$eval("#summary div", (tiles) => tiles.map((it) => it.innerText.replace("\n", ": ")));
    report.flow = await page.textContent("#flow-caption");
    assert.match(report.flow, /tokens per month from 1 source/);
    assert.ok((await page.$$("#flow path.in")).length === 1 && (await page.$$("#flow path.out")).length === 2, "ribbons");
    // To scale: the ribbons' areas at the pool follow the paid shares.
    const paid = await page.$$eval("#sinks tbody tr", (rows) => rows.map((it) => Number(it.cells[1].innerText.replace(/,/g, ""))));
    assert.ok(Math.abs(Math.max(...paid) / Math.min(...paid) - 2) < 0.05, `paid ${paid}`);
    // Charts are drawn by the library.
    assert.ok(await page.isHidden("#no-charts"), "the build has a chart library");
    assert.ok((await page.$$(".chart canvas")).length >= 1, "a chart");
    // Every control and figure has a name.
    const nameless = await page.$$eval("button, a, [role=img], [role=region], table th", (nodes) => nodes
      .filter((it) => !(it.getAttribute("aria-label") || it.getAttribute("aria-labelledby") || it.textContent.trim()))
      .map((it) => it.outerHTML.slice(0, 80)));
    assert.deepStrictEqual(nameless, []);
    // By keyboard: the skip link, then the tabs.
    await page.keyboard.press("Tab");
    assert.strictEqual(await page.evaluate(() => document.activeElement.className), "skip");
    let tab = false;
    for (let presses = 0; presses < 10 && !tab; presses++) {
      await page.keyboard.press("Tab");
      tab = await page.evaluate(() => document.activeElement.getAttribute("role") === "tab");
    }
    assert.ok(tab, "the tabs are reached by keyboard");
    await page.keyboard.press("End");
    await page.screenshot({ path: `${folder}/desktop.png`, fullPage: true });

    // In the dark, on a phone.
    const phone = await open(browser, { viewport: { width: 360, height: 740 }, colorScheme: "dark", deviceScaleFactor: 2 });
    const wide = await phone.page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= 360, `${wide} pixels wide`);
    const back = await phone.page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const light = back.match(/\d+/g).slice(0, 3).reduce((sum, it) => sum + Number(it), 0);
    assert.ok(light < 150, `dark background ${back}`);
    const contrast = await phone.page.evaluate(() => {
      const value = (text) => {
        const [r, g, b] = text.match(/\d+/g).map((it) => it / 255).map((it) => (it <= 0.03928 ? it / 12.92 : ((it + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const style = getComputedStyle(document.querySelector(".tiles dt"));
      const [a, b] = [value(style.color), value(getComputedStyle(document.querySelector(".tiles div")).backgroundColor)].sort((x, y) => y - x);
      return (a + 0.05) / (b + 0.05);
    });
    assert.ok(contrast >= 4.5, `contrast ${contrast}`);
    await phone.page.screenshot({ path: `${folder}/phone-dark.png`, fullPage: true });
    assert.deepStrictEqual(phone.wrong, []);
    await phone.context.close();

    // Live: without a reload.
    await page.waitForFunction(() => document.documentElement.dataset.live === "true");
    await page.evaluate(() => {
      window.before = document.querySelector("#sinks tbody").innerText;
      window.seen = null;
      new MutationObserver(() => { window.seen ??= Date.now(); }).observe(document.querySelector("#events"), { childList: true });
    });
    const asked = Date.now();
    fs.writeFileSync(`${folder}/ready`, "");
    await page.waitForFunction(() => document.querySelector("#sinks tbody").innerText !== window.before, null, { timeout: 30000 });
    report.liveAfterMs = Date.now() - asked;
    assert.match(await page.textContent("#events li:first-child"), /counts|Mined|units|Members/i);
    assert.deepStrictEqual(wrong, []);
    await context.close();
  } finally {
    await browser.close();
  }
  console.log(JSON.stringify(report));
}
main().catch((error) => { console.error(error); process.exit(1); });
