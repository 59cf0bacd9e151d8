// Measures large pages in Chromium beside plain pages of the same run: `node bench.mjs REWIND`.
//
// A plain page holds the same table and the same steps as text, without style or script. What is measured: when the
// first picture is painted, how long scripts run until then, and how long they run while a reader scrolls to the end
// and walks a hundred steps by keyboard. Prints a Markdown table; the median of five, and
// the largest page once.
import { execFileSync } from "node:child_process";
import { mkdtempSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "../..");
const require = createRequire(join(process.env.REWIND_NODE || join(root, "target/test-env/browser"), "package.json"));
const { chromium } = require("playwright-core");
const rewind = resolve(process.argv[2] || join(root, "target/debug/rewind"));
const work = mkdtempSync(join(tmpdir(), "rewind-bench-"));
const run = (...args) => execFileSync(rewind, args, { cwd: work, stdio: ["ignore", "pipe", "ignore"] });
const read = (file) => JSON.parse(readFileSync(join(work, file), "utf8"));

// A run of so many forks, each of so many steps, made of the first one of a real run.
const enlarge = (from, to, forks, steps) => {
  const report = read(from + "/rewind-report.json"), traces = read(from + "/timelines.json");
  const fork = report.forks[0], trace = Object.values(traces.forks)[0], rows = trace.rows;
  trace.rows = Array.from({ length: steps }, (_, at) => {
    const row = structuredClone(rows[at % rows.length]);
    for (const side of ["left", "right"]) if (row[side]) row[side].number = at + 1;
    return row;
  });
  traces.forks = {};
  report.forks = Array.from({ length: forks }, (_, number) => {
    const one = structuredClone(fork);
    one.evidence.baseline = "baseline-" + String(number).padStart(3, "0");
    traces.forks[one.evidence.baseline + "@" + one.evidence.fork] = { ...trace, left: { ...trace.left, steps: number } };
    return one;
  });
  mkdirSync(join(work, to));
  writeFileSync(join(work, to, "rewind-report.json"), JSON.stringify(report));
  writeFileSync(join(work, to, "timelines.json"), JSON.stringify(traces));
  run("report", to, "--format", "html", "-o", to + ".html");
  return { report, traces };
};

// The same as text, without style, script or data.
const plain = (to, { report, traces }) => {
  const escape = (text) => String(text).replace(/[&<>]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[c]);
  const line = (step) => (step ? `${step.number} ${step.name} ${step.agent} ${step.input_tokens ?? ""} ${step.output_tokens ?? ""} ${step.took_us ?? ""}` : "");
  const forks = report.forks.map((fork) => {
    const trace = traces.forks[fork.evidence.baseline + "@" + fork.evidence.fork];
    return `<h2>${escape(fork.evidence.baseline)} ${fork.decision.verdict}</h2><table>${trace.rows.map((row) => `<tr><td>${escape(line(row.left))}</td><td>${escape(line(row.right))}</td></tr>`).join("")}</table>`;
  });
  writeFileSync(join(work, to + "-plain.html"), `<!doctype html><meta charset="utf-8"><title>plain</title>${forks.join("")}`);
};

const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
const browser = await chromium.launch({ executablePath: process.env.REWIND_CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });

// Opens a page anew and uses it; times in milliseconds.
const measure = async (file, hash) => {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable");
  const script = async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    return metrics.find((one) => one.name === "ScriptDuration").value * 1000;
  };
  await page.goto("file://" + file + hash);
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  const paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? performance.now());
  const opening = await script();
  const frames = await page.evaluate(async () => {
    const next = () => new Promise((done) => requestAnimationFrame(done));
    const times = [];
    for (let at = 0; at < 120; at += 1) {
      const before = performance.now();
      scrollBy(0, 700);
      await next();
      times.push(performance.now() - before);
    }
    return times;
  });
  const scrolling = (await script()) - opening;
  const before = await script();
  for (let at = 0; at < 100; at += 1) await page.keyboard.press("j");
  const walking = (await script()) - before;
  await page.close();
  return { paint, opening, scrolling, walking, slow: frames.filter((time) => time > 50).length };
};

const often = async (file, hash, times) => {
  const all = [];
  for (let time = 0; time < times; time += 1) all.push(await measure(file, hash));
  return Object.fromEntries(Object.keys(all[0]).map((key) => [key, median(all.map((one) => one[key]))]));
};

try {
  run("gate", "--config", join(root, "rewind.toml"), "--out", join(work, "passed"));
  const shapes = [["200 baselines x 30 steps", "many", 200, 30, ""], ["one baseline x 10,000 steps", "long", 1, 10_000, "#first"]];
  console.log("| page | bytes | first paint (ms) | plain | ratio | scripts at opening (ms) | scripts while scrolling (ms) | plain | slow frames | plain | scripts for 100 steps by key (ms) |");
  console.log("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
  for (const [name, to, forks, steps, where] of shapes) {
    const made = enlarge("passed", to, forks, steps);
    plain(to, made);
    const file = join(work, to + ".html"), { baseline, fork } = made.report.forks[0].evidence;
    // Half a minute a time is often enough for ten thousand steps.
    const times = steps > 1_000 ? 1 : 5;
    const ours = await often(file, where && "#" + baseline + "/" + fork, times), other = await often(join(work, to + "-plain.html"), "", times);
    const ms = (number) => number.toFixed(number < 10 ? 1 : 0);
    console.log(`| ${name} | ${statSync(file).size.toLocaleString("en")} | ${ms(ours.paint)} | ${ms(other.paint)} | ${(ours.paint / other.paint).toFixed(2)} | ${ms(ours.opening)} | ${ms(ours.scrolling)} | ${ms(other.scrolling)} | ${ours.slow} | ${other.slow} | ${ms(ours.walking)} |`);
  }
} finally {
  await browser.close();
  rmSync(work, { recursive: true, force: true });
}
