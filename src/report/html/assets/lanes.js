"use strict";
// Who worked when: the strip of time with one lane an agent's conversation, and the same steps in columns.
const lanes = ({ make, plain, traceOf, $ }) => {
  const svg = (tag, attributes, text) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, one] of Object.entries(attributes)) element.setAttribute(name, one);
    if (text !== undefined) element.textContent = plain(text);
    return element;
  };
  const short = (text, most) => { const all = [...plain(text)]; return all.length > most ? all.slice(0, most - 1).join("") + "…" : all.join(""); };
  const addressOf = (view, row) => view.id + "/" + (row.right ? row.right.number : "was-" + row.left.number);
  const took = (us) => (us >= 1e6 ? (us / 1e6).toFixed(2) + " s" : us >= 1e3 ? Math.round(us / 1e3) + " ms" : us + " us");
  const said = (step) => plain("step " + step.number + ": " + (step.is_tool ? "tool " : "model ") + step.name + " · " + step.agent + " · " + (step.came || "recorded") + (step.took_us ? " · " + took(step.took_us) : "") + (step.is_failed ? " · failed" : ""));

  // The lanes of one side, each with the agent that began it; the second one of an agent is `agent #2`.
  const lanesOf = (steps) => {
    const found = new Map(), named = new Map();
    for (const [step] of steps) {
      const lane = step.lane || 0;
      if (found.has(lane)) continue;
      const nth = (named.get(step.agent) || 0) + 1;
      named.set(step.agent, nth);
      found.set(lane, { at: found.size, name: step.agent + (nth > 1 ? " #" + nth : "") });
    }
    return found;
  };

  const strip = async (view) => {
    const place = $(".strip", view), trace = await traceOf(view);
    if (!place || !trace || place.childElementCount) return;
    const sides = [["left", trace.left], ["right", trace.right]].filter(([, side]) => side).map(([name, side]) => {
      const steps = trace.rows.map((row) => [row[name], row]).filter(([step]) => step);
      return { name, side, steps, lanes: lanesOf(steps) };
    });
    const all = sides.flatMap((side) => side.steps);
    if (!all.length || all.length > 2000 || sides.some((side) => side.lanes.size > 40)) return;
    const start = Math.min(...all.map(([step]) => step.began_us));
    const span = Math.max(1, Math.max(...all.map(([step]) => step.began_us + (step.took_us || 0))) - start);
    const width = Math.max(280, place.clientWidth), left = width < 600 ? 84 : 150, tall = 15, gap = 24;
    const x = (time) => left + ((width - left - 4) * (time - start)) / span;
    let top = 0;
    const drawing = svg("svg", { viewBox: "0 0 " + width + " " + sides.reduce((sum, side) => sum + side.lanes.size * tall + gap, 0), role: "group", "aria-label": "When each step ran" });
    const hint = make("p", { class: "hint quiet" }, took(span) + " from the first step to the last");
    const bars = [];
    for (const { name, side, steps, lanes: known } of sides) {
      drawing.append(svg("text", { class: "side-name", x: 0, y: top + 13 }, (sides.length > 1 ? (name === "left" ? "recorded " : "replayed ") : "") + side.label));
      top += gap - 6;
      for (const lane of known.values()) {
        drawing.append(svg("rect", { class: "lane", x: left, y: top + lane.at * tall, width: width - left, height: tall - 2 }));
        const label = svg("text", { x: 0, y: top + lane.at * tall + 10 }, short(lane.name, left < 100 ? 13 : 24));
        label.append(svg("title", {}, lane.name));
        drawing.append(label);
      }
      for (const [step, row] of steps) {
        const bar = svg("rect", {
          class: "bar " + (step.is_tool ? "tool " : "") + (step.came || "") + (step.is_failed ? " bad" : ""),
          x: x(step.began_us), y: top + known.get(step.lane || 0).at * tall + 1, height: tall - 4, rx: 1.5,
          width: Math.max(2.5, ((width - left - 4) * (step.took_us || 0)) / span), role: "link", tabindex: bars.length ? -1 : 0, "aria-label": said(step),
        });
        bar.append(svg("title", {}, said(step)));
        const show = () => { hint.textContent = said(step); };
        bar.addEventListener("mouseenter", show);
        bar.addEventListener("focus", show);
        bar.addEventListener("click", () => { location.hash = addressOf(view, row); });
        bars.push(bar);
        drawing.append(bar);
      }
      if (name === "right" && trace.fork_row !== undefined) {
        const live = steps.filter(([step]) => step.came === "live").map(([step]) => step.began_us);
        if (live.length) drawing.append(svg("line", { class: "cut", x1: x(Math.min(...live)) - 1.5, x2: x(Math.min(...live)) - 1.5, y1: top - 2, y2: top + known.size * tall }));
      }
      top += known.size * tall + 6;
    }
    drawing.addEventListener("keydown", (event) => {
      const at = bars.indexOf(document.activeElement), by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (at < 0) return;
      if (event.key === "Enter") bars[at].dispatchEvent(new MouseEvent("click"));
      else if (by && bars[at + by]) { bars[at].setAttribute("tabindex", -1); bars[at + by].setAttribute("tabindex", 0); bars[at + by].focus(); }
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    place.append(drawing, hint);
    if (sides.some((side) => side.lanes.size > 1) && all.length <= 600) columns(view, trace, sides);
  };

  // One column a lane, one line a step, from top to bottom as they began.
  const columns = (view, trace, sides) => {
    const tools = $(".tools", view), rows = $(".rows", view);
    if (!tools || !rows) return;
    const button = make("button", { type: "button", class: "link", "aria-expanded": "false" }, "In lanes");
    let shown = null;
    button.addEventListener("click", () => {
      if (shown) { shown.remove(); shown = null; } else {
        shown = make("div", { class: "swim" });
        for (const { name, side, steps, lanes: known } of sides) {
          const head = make("tr"), body = make("tbody");
          for (const lane of known.values()) head.append(make("th", { scope: "col" }, lane.name));
          for (const [step, row] of [...steps].sort((a, b) => a[0].began_us - b[0].began_us || a[0].number - b[0].number)) {
            const line = make("tr", {});
            const link = make("a", { href: "#" + addressOf(view, row), class: (step.came || "recorded") + (step.is_failed ? " bad" : "") + (row.is !== "same" ? " differs" : ""), title: said(step) }, step.number + " ", make("code", {}, step.name));
            const at = known.get(step.lane || 0).at;
            for (let cell = 0; cell < known.size; cell += 1) line.append(cell === at ? make("td", {}, link) : make("td"));
            body.append(line);
          }
          const caption = make("caption", {}, (sides.length > 1 ? (name === "left" ? "recorded " : "replayed ") : "") + side.label);
          const label = "Lanes of " + plain(side.label);
          shown.append(make("div", { class: "wide", tabindex: "0", role: "region", "aria-label": label }, make("table", {}, caption, make("thead", {}, head), body)));
        }
        rows.before(shown);
      }
      button.setAttribute("aria-expanded", String(Boolean(shown)));
    });
    tools.append(button);
  };
  return strip;
};
