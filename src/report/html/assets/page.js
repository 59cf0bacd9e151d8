"use strict";
// Comfort for a page that is readable without it: one baseline at a time, sorting, filtering, keys, the whole context.
// Everything is built from text nodes; nothing is loaded, and nothing is made of markup.
document.documentElement.classList.add("js");
document.addEventListener("DOMContentLoaded", () => {
  const root = document.documentElement;
  const $ = (selector, from = document) => from.querySelector(selector);
  const $$ = (selector, from = document) => [...from.querySelectorAll(selector)];
  const forks = $$(".view.fork");
  const title = document.title;

  // Characters that steer something, or the direction of writing, are shown as what they are.
  const odd = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
  const plain = (text) => String(text).replace(/\r\n/g, "\n").replace(odd, (c) => "\\u{" + c.charCodeAt(0).toString(16) + "}");
  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    for (const child of children) element.append(typeof child === "string" ? plain(child) : child);
    return element;
  };

  // Data beside the markup: JSON, or the same compressed.
  const data = {};
  const load = (id) => (data[id] ??= (async () => {
    const element = document.getElementById(id);
    if (!element) return null;
    const text = element.textContent.trim();
    if (!("packed" in element.dataset)) return JSON.parse(text);
    const bytes = Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
    if (typeof DecompressionStream === "undefined") return JSON.parse(new TextDecoder().decode(inflate(bytes)));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    return JSON.parse(await new Response(stream).text());
  })());
  const traceOf = async (view) => {
    const traces = await load("traces");
    return traces && traces.forks[view.dataset.fork || view.id];
  };

  const strip = lanes({ make, plain, traceOf, $ });

  // Addresses: #baseline/fork and #baseline/fork/step; the same ones lead there without this script.
  const here = () => location.hash.slice(1).split("?")[0];
  const go = (focus) => {
    const at = here();
    const target = at && document.getElementById(at);
    const view = target && target.closest(".view");
    for (const fork of forks) fork.classList.toggle("shown", fork === view);
    root.classList.toggle("picked", Boolean(view && view.classList.contains("fork")));
    for (const row of $$(".row.here")) row.classList.remove("here");
    if (view && view.classList.contains("fork")) document.title = view.dataset.fork + " · " + title;
    else document.title = title;
    if (view && ($(".strip", view) || {}).childElementCount === 0) strip(view).then(() => target.matches(".row") && target.scrollIntoView({ block: "start", behavior: "instant" }));
    if (target && target.matches(".row")) {
      target.open = true;
      target.classList.add("here");
      target.scrollIntoView({ block: "start" });
      if (focus) $("summary", target).focus({ preventScroll: true });
    } else if (forks.length && focus) scrollTo(0, 0);
    recall();
  };
  addEventListener("hashchange", () => go(true));

  // The table: sorted by a column, filtered by verdict, tag and text; the address says how, so that it can be passed on.
  const table = $("table.list.forks tbody");
  const search = $("[data-search]:not(tr)");
  const picked = { verdict: new Set(), tag: new Set() };
  const sorted = { by: "", down: false };
  const buttons = [];
  const tagsOf = (row) => $$("[data-tag]", row).map((tag) => tag.textContent);
  const filter = () => {
    if (!search || !table) return;
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of table.rows) {
      const fits = (!picked.verdict.size || picked.verdict.has(row.dataset.shown))
        && (!picked.tag.size || tagsOf(row).some((tag) => picked.tag.has(tag)))
        && words.every((word) => row.dataset.search.includes(word));
      row.hidden = !fits;
      shown += fits;
    }
    for (const [kind, name, button] of buttons) button.setAttribute("aria-pressed", String(picked[kind].has(name)));
    $("[data-none]").hidden = shown > 0;
  };
  const remember = () => {
    const at = here();
    if (!table || (at && at !== "run")) return;
    const state = new URLSearchParams();
    if (search.value.trim()) state.set("text", search.value.trim());
    for (const kind of ["verdict", "tag"]) for (const name of picked[kind]) state.append(kind, name);
    if (sorted.by) state.set("sort", (sorted.down ? "-" : "") + sorted.by);
    const asked = String(state);
    history.replaceState(null, "", asked ? "#run?" + asked : at ? "#run" : location.pathname + location.search);
  };
  // An address that says nothing leaves what was picked as it is.
  const recall = () => {
    const at = here(), asked = location.hash.split("?")[1];
    if (!table || (at && at !== "run")) return;
    if (asked === undefined) { if (at) remember(); return; }
    const state = new URLSearchParams(asked);
    search.value = state.get("text") || "";
    for (const kind of ["verdict", "tag"]) picked[kind] = new Set(state.getAll(kind).filter((name) => buttons.some(([of, one]) => of === kind && one === name)));
    const by = state.get("sort") || "";
    sort(by.replace(/^-/, ""), by.startsWith("-"));
    filter();
  };
  const pick = (kind, name, button) => {
    buttons.push([kind, name, button]);
    button.addEventListener("click", () => {
      if (!picked[kind].delete(name)) picked[kind].add(name);
      filter();
      remember();
    });
  };
  if (search) search.addEventListener("input", () => { filter(); remember(); });
  for (const button of $$("button[data-verdict]")) pick("verdict", button.dataset.verdict, button);
  const bar = $("[data-tags]");
  const tags = table && bar ? [...new Set([...table.rows].flatMap(tagsOf))].sort() : [];
  for (const tag of tags.slice(0, 60)) {
    const button = make("button", { type: "button", class: "tag pick", "aria-pressed": "false" }, make("bdi", {}, tag));
    pick("tag", tag, button);
    bar.append(button, " ");
  }
  const heads = $$("th[data-sort]");
  const sort = (by, down) => {
    const head = heads.find((one) => one.dataset.sort === by);
    for (const other of heads) other.removeAttribute("aria-sort");
    sorted.by = head ? by : "";
    sorted.down = down;
    const key = head ? by : "rank";
    if (head) head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const value = (row) => row.dataset[key] ?? "";
    const order = (a, b) => (key === "name" ? value(a).localeCompare(value(b)) : Number(value(a)) - Number(value(b)));
    const rows = [...table.rows].sort(order);
    table.append(...(head && down ? rows.reverse() : rows));
  };
  for (const head of heads) {
    const button = make("button", { type: "button" }, head.textContent);
    head.replaceChildren(button);
    button.addEventListener("click", () => { sort(head.dataset.sort, head.getAttribute("aria-sort") === "ascending"); remember(); });
  }

  // Commands and addresses into the clipboard.
  const copy = async (text, button) => {
    let done = true;
    try { await navigator.clipboard.writeText(text); } catch {
      const area = make("textarea", { readonly: "" });
      area.value = text;
      document.body.append(area);
      area.select();
      done = document.execCommand("copy");
      area.remove();
    }
    button.textContent = done ? "Copied" : "Press Ctrl+C";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) copy(button.parentElement.querySelector("code").textContent, button);
    if (event.target.closest("[data-help]")) help();
  });

  // A step that is opened has its address in the bar, and may show the whole context.
  document.addEventListener("toggle", (event) => {
    const row = event.target;
    if (!row.matches || !row.matches(".row") || !row.open) return;
    // It may come late, when somebody has already gone back to the run.
    if (!unfolded.includes(row) && here() !== "run") history.replaceState(null, "", "#" + row.id);
    if (!row.dataset.done && "more" in row.dataset) { row.dataset.done = ""; more(row); }
  }, true);

  const value = (any) => (typeof any === "string" ? any : JSON.stringify(any, null, 2));
  const long = (text, kind) => {
    if (text.length <= 4000) return make(kind === "text" ? "div" : "pre", { class: kind, dir: "auto" }, text);
    const size = text.length < 1e6 ? Math.round(text.length / 1e3) + " k" : (text.length / 1e6).toFixed(1) + " M";
    const folded = make("details", { class: "long" }, make("summary", { dir: "auto" }, text.slice(0, 160) + "… ", make("small", {}, size + " characters")));
    folded.addEventListener("toggle", () => folded.append(make("pre", { dir: "auto" }, text)), { once: true });
    return folded;
  };
  const call = (name, fields) => {
    const box = make("div", { class: "call" }, make("code", { class: "callee" }, name));
    if (fields && typeof fields === "object" && !Array.isArray(fields)) {
      const body = make("tbody");
      for (const [key, one] of Object.entries(fields)) body.append(make("tr", {}, make("th", { scope: "row", dir: "auto" }, key), make("td", { dir: "auto" }, value(one))));
      box.append(make("table", { class: "fields" }, body));
    } else if (fields !== null && fields !== undefined) box.append(make("pre", { dir: "auto" }, value(fields)));
    return box;
  };
  const part = (one) => {
    switch (one.type) {
      case "text": return [long(one.text, "text")];
      case "tool_call": return [call(one.name, one.arguments)];
      case "tool_result": return one.content.flatMap((inner) => (inner.type === "text" ? [long(inner.text, one.is_error ? "error" : "result")] : part(inner)));
      case "reasoning": return [make("details", { class: "reasoning" }, make("summary", {}, "reasoning"), long(one.text, "text"))];
      case "refusal": return [make("div", { class: "text refusal", dir: "auto" }, one.text)];
      case "media": return [make("div", { class: "media" }, one.kind + ", " + one.source + " bytes, not in this file")];
      default: return [long(value(one.value), "other")];
    }
  };
  const turn = (message, who, seen) => make("div", { class: "turn " + who + (seen ? " seen" : seen === false ? " fresh" : "") },
    make("span", { class: "who" }, who + (message.name ? " · " + message.name : "") + (seen === false ? " · new in this step" : "")), ...message.parts.flatMap(part));

  const context = (trace, step) => {
    const chain = [];
    for (let at = step.context || 0; at > 0; at = trace.chains[at - 1][0]) chain.push(trace.messages[trace.chains[at - 1][1]]);
    chain.reverse();
    const box = make("div", { class: "talk" });
    for (const at of step.system || []) box.append(turn(trace.messages[at], trace.messages[at].role, (step.seen || 0) > 0));
    chain.forEach((message, index) => box.append(turn(message, message.role, index < (step.seen || 0))));
    if (step.answer !== undefined) box.append(turn(trace.messages[step.answer], "answer"));
    if (step.arguments !== undefined) box.append(make("div", { class: "turn call" }, make("span", { class: "who" }, "call"), call(step.name, step.arguments)));
    if (step.result) box.append(make("div", { class: "turn result" }, make("span", { class: "who" }, "result"), ...step.result.flatMap((one) => part(one.type === "text" ? { type: "tool_result", content: [one], is_error: step.is_failed } : one))));
    return box;
  };
  const raw = (trace, step) => {
    const whole = { ...step };
    if (step.answer !== undefined) whole.answer = trace.messages[step.answer];
    if (step.system) whole.system = step.system.map((at) => trace.messages[at]);
    if (step.context !== undefined) {
      whole.context = [];
      for (let at = step.context; at > 0; at = trace.chains[at - 1][0]) whole.context.unshift(trace.messages[trace.chains[at - 1][1]]);
    }
    return JSON.stringify(whole, null, 2);
  };

  const more = async (row) => {
    const view = row.closest(".view");
    const trace = await traceOf(view);
    if (!trace) return;
    const found = trace.rows[$$(".row", row.parentElement).indexOf(row)];
    const body = $(".body", row);
    const sides = [found.left, found.is === "same" ? null : found.right].filter(Boolean);
    const pair = (of) => make("div", { class: "talks" + (sides.length > 1 ? "" : " one") }, ...sides.map(of));
    if (!$(".talks, .changes", body)) body.append(pair((step) => context(trace, step)));
    const buttons = make("div", { class: "more" });
    const add = (label, of) => {
      const button = make("button", { type: "button", class: "link", "aria-expanded": "false" }, label);
      let shown = null;
      button.addEventListener("click", () => {
        if (shown) { shown.remove(); shown = null; } else { shown = pair(of); body.append(shown); }
        button.setAttribute("aria-expanded", String(Boolean(shown)));
      });
      buttons.append(button);
    };
    if (sides.some((step) => step.context)) add("The whole context, as the model saw it", (step) => context(trace, step));
    add("Raw JSON", (step) => make("pre", { tabindex: "0" }, raw(trace, step)));
    body.append(buttons);
  };

  for (const box of $$("[data-only]")) box.addEventListener("change", () => {
    for (const row of $$(".row.same", box.closest(".part"))) row.hidden = box.checked && !row.matches(".found");
  });
  for (const button of $$("[data-all]")) button.addEventListener("click", () => {
    const rows = $$(".row", button.closest(".part"));
    const open = !rows.every((row) => row.open);
    for (const row of rows) row.open = open;
    button.textContent = open ? "Close all" : "Open all";
  });

  // On paper nothing is folded that a verdict rests on.
  let unfolded = [];
  addEventListener("beforeprint", () => {
    unfolded = $$("details.rest, details.holding, details.altered, .altered details, .row.found").filter((one) => !one.open);
    for (const one of unfolded) one.open = true;
  });
  addEventListener("afterprint", () => { for (const one of unfolded) one.open = false; unfolded = []; });

  // Keys.
  const keys = [["j / k", "next, previous"], ["n / p", "next, previous difference"], ["Enter", "open"], ["/", "filter"], ["u", "all baselines"], ["?", "this list"]];
  let dialog = null;
  const help = () => {
    if (!dialog) {
      const list = make("dl");
      for (const [key, what] of keys) list.append(make("dt", {}, key), make("dd", {}, what));
      dialog = make("dialog", { "aria-label": "Keys" }, make("h3", {}, "Keys"), list, make("form", { method: "dialog" }, make("button", { class: "copy" }, "Close")));
      dialog.querySelector("form").addEventListener("submit", (event) => { event.preventDefault(); dialog.close(); });
      document.body.append(dialog);
    }
    if (!dialog.open) dialog.showModal();
  };
  // Told by the markup: asking for the layout of rows that are not on the screen lays all of them out, each time anew.
  const seen = (item) => {
    if (item.closest("[hidden]")) return false;
    const view = item.closest(".view.fork");
    return view ? view.classList.contains("shown") : !root.classList.contains("picked");
  };
  const step = (by, only = "") => {
    // Only of what is shown: a run has thousands of steps that are not.
    const place = forks.length ? $(".view.fork.shown") : document;
    const summaries = place ? $$(".row:not([hidden])" + only + " > summary", place) : [];
    const items = summaries.length ? summaries : $$("table.list tbody th a").filter(seen);
    if (!items.length) return;
    const now = document.activeElement;
    const at = items.indexOf(now);
    const last = items.length - 1;
    let next = by > 0 ? 0 : last;
    if (at >= 0) next = Math.min(last, Math.max(0, at + by));
    else if (now.matches(".row > summary")) {
      const behind = items.findIndex((item) => now.compareDocumentPosition(item) & Node.DOCUMENT_POSITION_FOLLOWING);
      const border = behind < 0 ? items.length : behind;
      next = by > 0 ? Math.min(last, border) : Math.max(0, border - 1);
    }
    items[next].focus({ preventScroll: true });
    items[next].scrollIntoView({ block: "nearest" });
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || (dialog && dialog.open)) return;
    if (event.target.matches("input, textarea")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const actions = {
      j: () => step(1), k: () => step(-1), n: () => step(1, ":not(.same)"), p: () => step(-1, ":not(.same)"),
      "/": () => { if (root.classList.contains("picked")) location.hash = "run"; if (search) { search.focus(); search.select(); } },
      u: () => { if (forks.length) location.hash = "run"; }, "?": help,
    };
    const action = actions[event.key];
    if (action) { event.preventDefault(); action(); }
  });

  go(false);
  if (!forks.length) for (const view of $$(".view.pair")) strip(view);
});
