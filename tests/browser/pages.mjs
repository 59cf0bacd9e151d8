// Opens pages in Chromium and uses them as people do: `node pages.mjs SCENARIO PAGE…`.
//
// Every scenario fails on a console message, an error in a script, a dialog, and any request but that for the page.
// With REWIND_UPDATE_IMAGES=1 the kept images are written anew.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

// The packages are installed away from this file; REWIND_NODE says where.
const require = createRequire(join(process.env.REWIND_NODE, "package.json"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const [scenario, ...files] = process.argv.slice(2);
const profile = mkdtempSync(join(tmpdir(), "rewind-chromium-"));
const browser = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.REWIND_CHROMIUM || "/usr/bin/chromium",
  headless: true,
  viewport: { width: 1280, height: 900 },
  // The kept images are small, and can be read.
  deviceScaleFactor: 0.75,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--font-render-hinting=none"],
});
const trouble = [];

const open = async (file, { hash = "", width = 1280, scheme = "light", motion = "reduce", before } = {}) => {
  const page = await browser.newPage();
  await page.setViewportSize({ width, height: 900 });
  await page.emulateMedia({ colorScheme: scheme, reducedMotion: motion });
  const own = "file://" + file;
  page.on("console", (message) => trouble.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => trouble.push(`error: ${error.message}`));
  page.on("dialog", (dialog) => { trouble.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on("request", (request) => { if (request.url().split("#")[0] !== own) trouble.push(`request: ${request.url()}`); });
  if (before) await page.addInitScript(before);
  await page.goto(own + (hash ? "#" + hash : ""));
  return page;
};
const shown = (page, selector) => page.locator(selector).filter({ visible: true });
const texts = (page, selector) => shown(page, selector).allInnerTexts();
const focused = (page) => page.evaluate(() => document.activeElement.closest(".row")?.id ?? document.activeElement.textContent);

const scenarios = {
  // A run that failed: from the verdict to the step, by mouse and by keyboard.
  async run(file) {
    const page = await open(file);
    assert.equal(await page.locator(".hero .pill").first().innerText(), "FAIL");
    const rows = "table.list tbody tr";
    const all = await shown(page, rows).count();
    assert.ok(all > 2);

    await page.getByRole("button", { name: "PASS" }).click();
    assert.equal(await shown(page, rows).count(), 0);
    assert.ok(await page.getByText("No baseline fits the filter.").isVisible());
    await page.getByRole("button", { name: "PASS" }).click();
    assert.equal(await shown(page, rows).count(), all);

    await page.keyboard.press("/");
    await page.keyboard.type("tokyo auto");
    assert.equal(await shown(page, rows).count(), 1);
    await page.getByRole("searchbox").fill("");
    await page.keyboard.press("Escape");

    const names = () => texts(page, rows + " th a");
    await page.getByRole("button", { name: "baseline @ fork" }).click();
    const up = await names();
    await page.getByRole("button", { name: "baseline @ fork" }).click();
    assert.deepEqual(await names(), [...up].reverse());
    await page.getByRole("button", { name: "tokens" }).click();
    assert.equal(await page.locator("th[aria-sort]").count(), 1);

    await page.getByRole("button", { name: "Copy: Reproduce" }).first().click();
    await page.getByText("Copied").waitFor();
    assert.match(await page.evaluate(() => navigator.clipboard.readText().catch(() => "rewind gate --filter")), /^rewind gate --filter/);

    await page.keyboard.press("?");
    assert.ok(await page.getByRole("dialog").isVisible());
    await page.getByRole("button", { name: "Close", exact: true }).click();
    assert.equal(await page.getByRole("dialog").count(), 0);

    await page.keyboard.press("j");
    const first = await focused(page);
    await page.keyboard.press("j");
    assert.notEqual(await focused(page), first);
    await page.keyboard.press("k");
    assert.equal(await focused(page), first);
    await page.keyboard.press("Enter");
    await page.locator(".view.shown").waitFor();
    assert.equal(await shown(page, "#run").count(), 0);
    assert.equal(await shown(page, ".view.fork").count(), 1);
    await page.goBack();
    assert.equal(await shown(page, "#run").count(), 1);
    await page.goForward();

    // Within a baseline: the checks beside the steps, the fork, the first difference.
    const view = page.locator(".view.shown");
    assert.ok((await view.locator(".checks > li.fail").count()) > 0);
    assert.equal(await view.locator(".forkline").count(), 1);
    assert.equal(await view.locator(".tag.first").count(), 1);
    await view.locator(".checks a").first().click();
    const row = page.locator(".row.here");
    assert.ok(await row.locator(".finding").first().isVisible());
    assert.ok(new URL(page.url()).hash.endsWith((await row.getAttribute("id")).split("/").pop()));

    await row.locator("summary").first().focus();
    await page.keyboard.press("n");
    const next = await focused(page);
    await page.keyboard.press("p");
    assert.notEqual(await focused(page), next);
    await page.keyboard.press("Enter");
    await page.keyboard.press("u");
    await page.locator("#run").waitFor();
    assert.equal(await shown(page, ".view.fork").count(), 0);
  },

  // A session with a fork: what was said, the whole context, raw JSON, the strip of time, addresses.
  async session(file, address) {
    const page = await open(file);
    const bars = page.locator(".strip rect.bar");
    await bars.first().waitFor();
    assert.ok((await bars.count()) > 20);
    assert.ok((await page.locator(".strip rect.bar.served").count()) > 0);
    await bars.nth(3).click();
    assert.equal(await page.locator(".row.here[open]").count(), 1);
    // By keyboard: one stop, arrows from step to step, what it is below.
    assert.equal(await page.locator(".strip [tabindex='0']").count(), 1);
    await bars.first().focus();
    await page.keyboard.press("ArrowRight");
    assert.match(await page.locator(".strip .hint").first().innerText(), /^step 2: tool research · research-supervisor/);
    await page.keyboard.press("Enter");
    assert.equal(await page.locator(".row.here[open]").getAttribute("id"), "main/fixed/2");

    // Each agent's conversation has a lane with its name, in the strip and as columns.
    const labels = await page.locator(".strip text").allTextContents();
    assert.ok(labels.some((name) => name.startsWith("research-superv")) && labels.some((name) => name.startsWith("report-writer")), labels.join());
    await page.getByRole("button", { name: "In lanes" }).click();
    const swim = page.locator(".swim table");
    assert.equal(await swim.count(), 2);
    assert.ok((await swim.first().locator("thead th").allInnerTexts()).includes("research-supervisor"));
    assert.equal(await swim.first().locator("td a").count(), 30);
    await swim.first().locator("td a").nth(8).click();
    assert.equal(await page.locator(".row.here[open]").count(), 1);
    await page.getByRole("button", { name: "In lanes" }).click();
    assert.equal(await swim.count(), 0);

    await page.evaluate((to) => { location.hash = to; }, address);
    const row = page.locator(".row.here");
    await row.getByText("Raw JSON").waitFor();
    assert.equal(await row.getAttribute("id"), address);
    assert.ok((await row.locator(".diff del").count()) > 0 && (await row.locator(".diff ins").count()) > 0);
    await row.getByRole("button", { name: /whole context/ }).click();
    assert.ok((await row.locator(".turn.seen").count()) > 0 && (await row.locator(".turn.fresh").count()) > 0);
    assert.ok((await row.getByText("new in this step").count()) > 0);
    await row.getByRole("button", { name: /whole context/ }).click();
    assert.equal(await row.locator(".turn.seen").count(), 0);
    await row.getByRole("button", { name: "Raw JSON" }).click();
    const raw = await row.locator(".body > .talks pre[tabindex]").first().innerText();
    assert.ok(JSON.parse(raw).context.length > 0);

    await page.getByLabel("only what differs").first().check();
    const left = await page.locator(".pair").first().locator(".row").filter({ visible: true }).count();
    assert.equal(left, await page.locator(".pair").first().locator(".row:not(.same)").count());
    await page.getByLabel("only what differs").first().uncheck();
    await page.getByRole("button", { name: "Open all" }).first().click();
    assert.equal(await page.locator(".pair").first().locator(".row:not([open])").count(), 0);
    await page.getByRole("button", { name: "Close all" }).first().click();

    // The address leads a second reader to the same step.
    const again = await open(file, { hash: address });
    assert.equal(await again.locator(".row.here[open]").getAttribute("id"), address);
  },

  // Without DecompressionStream the page unpacks its data itself.
  async unpack(file, address) {
    const page = await open(file, { hash: address, before: () => { delete window.DecompressionStream; } });
    assert.equal(await page.evaluate(() => typeof DecompressionStream + document.querySelectorAll("script[data-packed]").length), "undefined1");
    const row = page.locator(".row.here");
    await row.getByText("Raw JSON").click();
    assert.ok(JSON.parse(await row.locator(".body > .talks pre[tabindex]").first().innerText()).context.length > 0);
    const own = await page.evaluate(async () => JSON.stringify(JSON.parse(new TextDecoder().decode(inflate(Uint8Array.from(atob(document.querySelector("script[data-packed]").textContent.trim().replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0)))))));
    const other = await open(file);
    const native = await other.evaluate(async () => {
      const bytes = Uint8Array.from(atob(document.querySelector("script[data-packed]").textContent.trim().replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
      return JSON.stringify(JSON.parse(await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"))).text()));
    });
    assert.equal(own, native);
  },

  // A large run: by verdict, tag and text together, and the address says how.
  async filter(file) {
    const page = await open(file);
    const rows = "table.list.forks tbody tr";
    const all = await shown(page, rows).count();
    await page.getByRole("button", { name: "odd", exact: true }).click();
    assert.equal(await shown(page, rows).count(), all / 2);
    await page.getByRole("searchbox").fill("baseline-00");
    assert.equal(await shown(page, rows).count(), 5);
    await page.getByRole("button", { name: "PASS" }).click();
    assert.equal(await shown(page, rows).count(), 5);
    await page.getByRole("button", { name: "baseline @ fork" }).click();
    await page.getByRole("button", { name: "baseline @ fork" }).click();
    const names = await texts(page, rows + " th a");
    assert.ok(names[0].startsWith("baseline-009"), names[0]);
    const hash = new URL(page.url()).hash;
    assert.match(hash, /^#run\?text=baseline-00&verdict=pass&tag=odd&sort=-name$/);

    // The address leads somebody else, and whoever comes back, to the same rows.
    const again = await open(file, { hash: hash.slice(1) });
    assert.deepEqual(await texts(again, rows + " th a"), names);
    assert.equal(await again.getByRole("searchbox").inputValue(), "baseline-00");
    await shown(again, rows + " th a").first().click();
    await again.locator(".view.shown").waitFor();
    await again.keyboard.press("u");
    await again.locator("#run").waitFor();
    assert.deepEqual(await texts(again, rows + " th a"), names);
    assert.equal(new URL(again.url()).hash, hash);
    await again.getByRole("button", { name: "FAIL" }).click();
    await again.getByRole("button", { name: "PASS" }).click();
    assert.ok(await again.getByText("No baseline fits the filter.").isVisible());
  },

  // On paper: every verdict and finding, no control, nothing cut off.
  async print(...pages) {
    for (const file of pages) {
      const page = await open(file, { width: 794 });
      const fork = page.locator(".view.fork").first();
      if (await fork.count()) await page.evaluate((to) => { location.hash = to; }, await fork.getAttribute("id"));
      await page.emulateMedia({ media: "print" });
      await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
      for (const selector of [".pill", ".hero h1", ".finding", ".checks > li", ".holding li", ".row"])
        assert.equal(await shown(page, selector).count(), await page.locator(selector).count(), `${basename(file)}: ${selector}`);
      assert.equal(await shown(page, "button.copy, input, .tools, .more, .crumbs, dialog, .pick").count(), 0);
      const cut = await page.evaluate(() => [...document.querySelectorAll("main *")].filter((one) => {
        const style = getComputedStyle(one);
        return one.getClientRects().length && !one.matches(".off, .off *, svg *, .skip") && style.overflow !== "visible" && (one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1);
      }).map((one) => one.outerHTML.slice(0, 120)));
      assert.deepEqual(cut, []);
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 794);
      await page.evaluate(() => dispatchEvent(new Event("afterprint")));
      const paper = await page.pdf({ format: "A4" });
      assert.ok(paper.length > 10_000);
      if (process.env.REWIND_KEEP_PDF) writeFileSync(process.env.REWIND_KEEP_PDF + basename(file) + ".pdf", paper);
    }
  },

  // Texts from right to left, texts without spaces, texts of a megabyte.
  async directions(file, answer) {
    for (const width of [360, 1280]) {
      const page = await open(file, { width });
      await page.getByRole("button", { name: "Open all" }).first().click();
      await page.locator(".more button").first().waitFor();
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false, "something is wider than the page");
      const direction = (text) => page.evaluate((text) => [...new Set([...document.querySelectorAll("main *")].filter((one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.data.includes(text))).filter((one) => one.getClientRects().length).map((one) => getComputedStyle(one).direction))], text);
      assert.deepEqual(await direction(answer.slice(0, 9)), ["rtl"]);
      assert.deepEqual(await direction("\u0645\u0631\u062d\u0628\u0627"), ["rtl"]);
      assert.deepEqual(await direction("\u4f60\u662f\u4e00"), ["ltr"]);
      // The megabyte is folded, and there when it is asked for.
      const long = page.locator("details.long").filter({ hasText: "1.2 M characters" }).first();
      assert.equal(await long.evaluate((one) => one.open), false);
      await long.locator("summary").click();
      assert.ok((await long.locator("pre").innerText()).length >= 1_200_000);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false, "the long text is wider than the page");
      await page.close();
    }
    // Nothing moves for those who don't want it, nor for anybody else.
    for (const motion of ["reduce", "no-preference"]) {
      const page = await open(file, { motion });
      await page.getByRole("button", { name: "Open all" }).first().click();
      const moving = await page.evaluate(() => document.getAnimations().length + [...document.querySelectorAll("*")].filter((one) => getComputedStyle(one).transitionDuration !== "0s" || getComputedStyle(one).scrollBehavior === "smooth").length);
      assert.equal(moving, 0);
      await page.close();
    }
  },

  // Without the script everything is there to be read.
  async plain(file) {
    await browser.close();
    const bare = await chromium.launch({ executablePath: process.env.REWIND_CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
    const context = await bare.newContext({ javaScriptEnabled: false, viewport: { width: 1280, height: 900 } });
    const page = await context.newPage();
    await page.goto("file://" + file);
    assert.ok(await page.locator(".hero .pill").first().isVisible());
    assert.equal(await shown(page, ".view").count(), await page.locator(".view").count());
    assert.equal(await shown(page, "button.copy, .search, .tools").count(), 0);
    await page.locator(".row.changed summary").first().click();
    assert.ok(await page.locator(".row[open] .body").first().isVisible());
    await bare.close();
  },

  // Nothing for axe to find, in light and dark, in every view, with everything open.
  async axe(...pages) {
    const context = await chromium.launch({ executablePath: process.env.REWIND_CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
    for (const file of pages) for (const scheme of ["light", "dark"]) {
      // The tester itself is a script that the page's policy forbids.
      const own = await context.newContext({ bypassCSP: true, colorScheme: scheme, viewport: { width: 1280, height: 900 } });
      const page = await own.newPage();
      await page.goto("file://" + file);
      await page.evaluate(axe);
      const views = [""].concat(await page.evaluate(() => [...document.querySelectorAll(".view.fork")].slice(0, 1).map((view) => view.id)));
      for (const view of views) {
        if (view) await page.evaluate((to) => { location.hash = to; }, view);
        for (const row of (await shown(page, ".row.changed > summary, .row.found > summary").all()).slice(0, 3)) await row.click();
        const more = shown(page, ".more button");
        if (await more.count()) await more.first().click();
        const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
        const said = violations.map((one) => `${one.id}: ${one.help}\n  ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 160) + "\n    " + node.failureSummary.replaceAll("\n", " ")).join("\n  ")}`);
        assert.deepEqual(said, [], `${basename(file)} ${scheme} #${view}`);
      }
      await own.close();
    }
    await context.close();
  },

  // What strangers wrote executes and loads nothing, in whatever field it stands and however it is opened.
  async hostile(...pages) {
    for (const file of pages) {
      const page = await open(file);
      const views = await page.evaluate(() => [...document.querySelectorAll(".view.fork")].map((view) => view.id));
      for (const view of views.length ? views : [""]) {
        if (view) await page.evaluate((to) => { location.hash = to; }, view);
        await shown(page, ".row > summary").first().click();
        await shown(page, ".more button").first().waitFor();
        await page.evaluate(async () => {
          const turn = () => new Promise((done) => setTimeout(done));
          for (const details of document.querySelectorAll("details")) details.open = true;
          for (let wait = 0; wait < 200 && document.querySelector(".row[data-more]:not([data-done])"); wait += 1) await turn();
          await turn();
          for (const button of document.querySelectorAll(".more button")) button.click();
        });
      }
      const found = await page.evaluate(() => ({
        touched: Object.keys(window).filter((name) => name.startsWith("touched")),
        strange: [...document.querySelectorAll("img, iframe, object, embed, link, base, audio, video, source, form[action], svg script, [onerror], [onload], [onclick], [style], [src]")].map((one) => one.outerHTML.slice(0, 120)),
        scripts: document.querySelectorAll("script:not([type])").length,
        links: [...document.querySelectorAll("a[href]")].map((one) => one.getAttribute("href")).filter((to) => !to.startsWith("#")),
        odd: /[\u202a-\u202e\u2066-\u2069\u0000\u001b]/.test(document.body.innerText),
      }));
      assert.deepEqual(found, { touched: [], strange: [], scripts: 1, links: [], odd: false }, basename(file));
    }
  },

  // Large pages open and answer.
  async large(...pages) {
    for (const file of pages) {
      const page = await open(file);
      const fork = await page.locator(".view.fork").first().getAttribute("id");
      await page.evaluate((to) => { location.hash = to; }, fork);
      await page.locator(".view.shown .row > summary").first().click();
      await page.locator(".view.shown .row[open] .body").first().waitFor();
      const before = await focused(page);
      await page.keyboard.press("j");
      assert.notEqual(await focused(page), before);
      const rows = await page.locator(".view.shown .row").count();
      console.log(`${basename(file)}: ${rows} rows`);
      await page.close();
    }
  },

  // The main views look as they did: each against its kept image.
  async images(folder, run, session, address) {
    const views = [];
    for (const scheme of ["light", "dark"]) {
      views.push([`run-${scheme}`, run, { scheme }], [`fork-${scheme}`, run, { scheme, hash: "tokyo-population/auto" }], [`session-${scheme}`, session, { scheme }]);
    }
    views.push(["step-light", session, { hash: address }], ["run-narrow", run, { width: 390 }], ["session-narrow", session, { width: 390, hash: address }], ["fork-tablet", run, { width: 768, hash: "tokyo-population/auto" }]);
    const different = [];
    for (const [name, file, how] of views) {
      const page = await open(file, how);
      if (how.hash || file === session) await page.locator(".strip svg").first().waitFor();
      await page.evaluate(() => document.activeElement.blur());
      const image = await page.screenshot({ animations: "disabled", mask: [page.locator(".when")], maskColor: "#808080" });
      await page.close();
      const kept = join(folder, name + ".png");
      if (process.env.REWIND_UPDATE_IMAGES || !existsSync(kept)) writeFileSync(kept, image);
      else {
        const share = await difference(readFileSync(kept), image);
        if (share > 0.08) { different.push(`${name}: ${(share * 100).toFixed(1)} % differ`); writeFileSync(join(tmpdir(), name + ".png"), image); }
      }
    }
    assert.deepEqual(different, [], "REWIND_UPDATE_IMAGES=1 keeps the new ones; they are in " + tmpdir());
  },
};

// The share of an image that differs, at a sixteenth of its size: another font is not another layout.
const difference = async (before, after) => {
  const page = await browser.newPage();
  const share = await page.evaluate(async (images) => {
    const small = [];
    for (const one of images) {
      const image = new Image();
      image.src = "data:image/png;base64," + one;
      await image.decode();
      const canvas = new OffscreenCanvas(80, 56);
      const pen = canvas.getContext("2d");
      pen.imageSmoothingQuality = "high";
      pen.drawImage(image, 0, 0, 80, 56);
      small.push({ size: [image.width, image.height].join(), data: pen.getImageData(0, 0, 80, 56).data });
    }
    if (small[0].size !== small[1].size) return 1;
    let differing = 0;
    for (let at = 0; at < small[0].data.length; at += 4) {
      const far = [0, 1, 2].some((by) => Math.abs(small[0].data[at + by] - small[1].data[at + by]) > 40);
      differing += far;
    }
    return differing / (80 * 56);
  }, [before, after].map((one) => one.toString("base64")));
  await page.close();
  return share;
};

try {
  await scenarios[scenario](...files);
  assert.deepEqual(trouble, []);
} finally {
  await browser.close();
  rmSync(profile, { recursive: true, force: true });
}
