// The page: state, buttons, keys.

const READABLE = 0.66;
const MANY = 1500; // cards that are drawn at once when all boxes are opened

function main() {
  const model = readModel(JSON.parse(byId("data").textContent));
  const svg = byId("scene");
  const page = { model, svg, world: byId("world"), open: new Set(), view: { x: 0, y: 0, scale: 1 }, layer: "none", panes: [] };
  markers(svg);
  watchPointers(page);
  redraw(page);
  fit(page, READABLE);
  setFocusable(page, firstKey(page));
  watchGraph(page);
  watchBar(page);
  watchKeys(page);
  watchSearch(page);
  watchDock(page);
  showDetails(page, null);
  document.documentElement.dataset.ready = "graph";
  performance.mark("graph");
  requestAnimationFrame(() => setTimeout(() => {
    showPanes(page);
    document.documentElement.dataset.ready = "all";
    performance.mark("all");
  }));
}

function markers(svg) {
  for (const kind of ["forward", "backward", "use"]) {
    svg.querySelector("defs").append(draw("marker", {
      id: `arrow-${kind}`, class: `arrow ${kind}`, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7,
      orient: "auto-start-reverse", markerUnits: "userSpaceOnUse",
    }, draw("path", { d: "M0 0.8L8 4L0 7.2z" })));
  }
}

function showPanes(page) {
  const { model } = page;
  page.panes = [makePane(page, "source", byId("source-body"), sourceRows(model))];
  const tabs = byId("code-tabs");
  const names = [...model.code.map((c) => c.style), ...(model.passes.length ? ["passes"] : [])];
  tabs.replaceChildren(...names.map((n) => make("button", {
    type: "button", role: "tab", "data-style": n, onclick: () => (n === "passes" ? setLayer(page, "passes") : showCode(page, n)),
  }, n)));
  if (!model.code.length) byId("code-body").replaceChildren(make("p", { class: "quiet" }, `No generated code. ${model.problem}`));
  showCode(page, model.code.length ? model.code[0].style : "");
}

function showCode(page, style) {
  const { model } = page;
  for (const tab of byId("code-tabs").children) tab.setAttribute("aria-selected", String(tab.dataset.style === style));
  const code = model.code.find((c) => c.style === style);
  const rows = style === "passes" ? passRows(model, model.passes[page.pass]) : code ? codeRows(model, code) : [];
  if (style) page.panes = [page.panes[0], makePane(page, "code", byId("code-body"), rows)];
  byId("code-body").dataset.style = style;
  if (page.panes.length > 1) paintCosts(page);
  light(page);
}

// Drawing anew -----------------------------------------------------------------------------------------------------------

function redraw(page) {
  page.still = true; // what comes under the pointer now was not pointed at
  drawScene(page);
  paintLayer(page);
  paintSteps(page);
  page.lit = [];
  if (page.hits) paintHits(page);
  applyView(page);
}

// Open or close a box; its upper left corner stays where it is on the screen.
function toggle(page, b, on = !page.open.has(b)) {
  const before = page.spots.get(`b${b}`);
  if (on) page.open.add(b);
  else page.open.delete(b);
  keepFocus(page, b, () => redraw(page));
  const after = page.spots.get(`b${b}`);
  if (before && after) {
    const [p, q] = [before.whole || before, after.whole || after];
    pan(page, (p.x - q.x) * page.view.scale, (p.y - q.y) * page.view.scale);
    if (on) bringBox(page, q);
  }
  light(page);
  announce(`${page.model.boxes[b].title} ${on ? "open" : "closed"}`);
}

function keepFocus(page, b, change) {
  const had = page.svg.contains(document.activeElement);
  change();
  setFocusable(page, page.elements.has(page.current) ? page.current : `b${b}`);
  if (had) page.elements.get(page.current)?.focus({ preventScroll: true });
}

function openAll(page, on) {
  const { model } = page;
  page.open = new Set();
  if (on) {
    // outer boxes first, as many as can be drawn at once
    let drawn = model.boxes[0].items.length;
    for (const box of model.boxes.slice(1)) {
      if (drawn + box.items.length > MANY) break;
      if (box.parent > 0 && !page.open.has(box.parent)) continue;
      page.open.add(box.k);
      drawn += box.items.length;
    }
    const left = model.boxes.length - 1 - page.open.size;
    announce(left ? `${left} boxes stay closed, to keep this readable` : "all open");
  }
  keepFocus(page, 0, () => redraw(page));
  light(page);
  fit(page, model.cards.length > 200 && on ? 0.3 : READABLE);
}

function reveal(page, c, center) {
  openAround(page, outward(page.model, page.model.cards[c].box));
  const key = shownFor(page.model, page.open, c);
  setFocusable(page, key);
  light(page);
  bringIntoSight(page, page.spots.get(key), center);
}

function revealBox(page, b) {
  openAround(page, outward(page.model, page.model.boxes[b].parent));
  setFocusable(page, `b${b}`);
  bringIntoSight(page, page.spots.get(`b${b}`), true);
}

function openAround(page, boxes) {
  const closed = boxes.filter((b) => b > 0 && !page.open.has(b));
  closed.forEach((b) => page.open.add(b));
  if (closed.length) redraw(page);
}

// Pointer and focus ------------------------------------------------------------------------------------------------------

function keyAt(e) {
  return e.target.closest?.("[data-key]")?.dataset.key;
}

function watchGraph(page) {
  const { svg } = page;
  const point = (e) => {
    const key = keyAt(e);
    if (e.pointerType !== "touch" && !e.buttons && !page.still) hover(page, key ? subjectOf(page, key) : null);
  };
  svg.addEventListener("pointerover", point);
  svg.addEventListener("pointermove", (e) => {
    if (!page.still) return;
    page.still = false;
    point(e);
  });
  svg.addEventListener("pointerleave", () => hover(page, null));
  svg.addEventListener("focusin", (e) => {
    const key = keyAt(e);
    if (key && e.target.matches(":focus-visible")) hover(page, subjectOf(page, key));
    if (key) setFocusable(page, key);
  });
  svg.addEventListener("click", (e) => {
    if (page.wasDragged()) return;
    const key = keyAt(e);
    if (!key) return pin(page, null);
    setFocusable(page, key);
    page.elements.get(key).focus({ preventScroll: true });
    return activate(page, key);
  });
}

function activate(page, key) {
  pin(page, subjectOf(page, key));
  if (key[0] === "b") toggle(page, Number(key.slice(1)));
}

function firstKey(page) {
  return [...page.elements.keys()][0];
}

// One element of the graph is in the order of tabs: the last that had the focus.
function setFocusable(page, key) {
  for (const element of page.elements.values()) element.setAttribute("tabindex", "-1");
  page.current = page.elements.has(key) ? key : firstKey(page);
  page.elements.get(page.current)?.setAttribute("tabindex", "0");
}

function announce(text) {
  byId("said").textContent = text;
}

// Keys -------------------------------------------------------------------------------------------------------------------

const KEYS = {
  "+": (p) => zoomCenter(p, 1.25), "=": (p) => zoomCenter(p, 1.25), "-": (p) => zoomCenter(p, 0.8), 0: (p) => fit(p),
  "/": () => byId("search").focus(), "?": () => byId("help").showModal(), e: (p) => openAll(p, true), c: (p) => openAll(p, false),
  n: (p) => step(p, 1), p: (p) => step(p, -1), s: toggleSteps, t: switchTheme, a: toAdjoint,
  l: (p) => nextLayer(p), "[": (p) => otherPass(p, -1), "]": (p) => otherPass(p, 1), " ": (p) => p.step !== undefined && play(p),
  Escape: (p) => { if (p.step !== undefined) stopSteps(p); else pin(p, null); },
};
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function watchKeys(page) {
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.target.closest("input[type=search], select, dialog")) return;
    const inGraph = page.svg.contains(e.target);
    const key = inGraph ? keyAt(e) : undefined;
    if (inGraph && ARROWS[e.key]) {
      if (e.shiftKey || !key) pan(page, -80 * ARROWS[e.key][0], -80 * ARROWS[e.key][1]);
      else move(page, key, ARROWS[e.key]);
    } else if (key && (e.key === "Enter" || (e.key === " " && page.step === undefined))) activate(page, key);
    else if (KEYS[e.key] && !(e.key === " " && e.target.closest("button"))) KEYS[e.key](page);
    else return;
    e.preventDefault();
  });
}

// To the nearest item in a direction.
function move(page, key, [dx, dy]) {
  const center = (s) => [s.x + s.w / 2, s.y + s.h / 2];
  const [x, y] = center(page.spots.get(key));
  let best = null;
  for (const [other, spot] of page.spots) {
    const [ox, oy] = center(spot);
    const along = (ox - x) * dx + (oy - y) * dy;
    const aside = Math.abs((ox - x) * dy) + Math.abs((oy - y) * dx);
    if (other !== key && along > 4 && (!best || along + 2 * aside < best[0])) best = [along + 2 * aside, other];
  }
  if (best) focusKey(page, best[1]);
}

function focusKey(page, key) {
  setFocusable(page, key);
  page.elements.get(key).focus({ preventScroll: true });
  hover(page, subjectOf(page, key));
  bringIntoSight(page, page.spots.get(key));
}

// From a value to its adjoint, and back.
function toAdjoint(page) {
  const subject = page.hovered || page.pinned;
  if (!subject || subject.cards.length !== 1) return;
  const [twin] = [...relatives(page.model, subject.cards).twins];
  if (twin === undefined) { announce("no adjoint"); return; }
  reveal(page, twin, false);
  page.pinned = { cards: [twin], key: `c${twin}`, from: "graph" };
  focusKey(page, shownFor(page.model, page.open, twin));
}

function nextLayer(page) {
  const names = Object.keys(LAYERS).filter((n) => layerHas(page.model, n));
  setLayer(page, names[(names.indexOf(page.layer) + 1) % names.length]);
}

function otherPass(page, way) {
  if (!page.model.passes.length) return;
  if (page.layer !== "passes") setLayer(page, "passes");
  else showPass(page, way);
}

// The bar ----------------------------------------------------------------------------------------------------------------

function watchBar(page) {
  const on = (id, act, event = "click") => byId(id).addEventListener(event, () => act(page));
  on("zoom-in", (p) => zoomCenter(p, 1.25));
  on("zoom-out", (p) => zoomCenter(p, 0.8));
  on("fit", (p) => fit(p));
  on("open-all", (p) => openAll(p, true));
  on("close-all", (p) => openAll(p, false));
  on("theme", switchTheme);
  on("steps", toggleSteps);
  on("help-button", () => byId("help").showModal());
  on("help-close", () => byId("help").close());
  on("next", (p) => step(p, 1));
  on("previous", (p) => step(p, -1));
  on("play", (p) => play(p));
  on("stop", stopSteps);
  on("step", (p) => goToStep(p, Number(byId("step").value)), "input");
  on("pass", (p) => { p.pass = Number(byId("pass").value); showPass(p); }, "input");
  byId("pass").max = Math.max(page.model.passes.length - 1, 0);
  for (const [name, layer] of Object.entries(LAYERS)) {
    const has = layerHas(page.model, name);
    byId("layer").append(make("option", { value: name, disabled: has ? null : "" }, has ? layer.name : `${layer.name} (${layer.missing})`));
  }
  on("layer", (p) => setLayer(p, byId("layer").value), "change");
  for (const tab of document.querySelectorAll("#tabs button")) tab.addEventListener("click", () => showTab(page, tab.dataset.tab));
  byId("peek").addEventListener("click", () => showTab(page, "details"));
  showTab(page, "graph");
  addEventListener("resize", () => applyView(page));
}

// On a phone one panel is seen at a time.
function showTab(page, name) {
  document.body.dataset.tab = name;
  for (const tab of document.querySelectorAll("#tabs button")) tab.setAttribute("aria-selected", String(tab.dataset.tab === name));
  light(page);
}

function switchTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
}

// The border between graph and code can be moved.
function watchDock() {
  const bar = byId("splitter");
  const set = (share) => {
    const value = Math.min(80, Math.max(8, share));
    document.body.style.setProperty("--dock", `${value}vh`);
    bar.setAttribute("aria-valuenow", Math.round(value));
  };
  bar.addEventListener("pointerdown", (e) => bar.setPointerCapture(e.pointerId));
  bar.addEventListener("pointermove", (e) => { if (bar.hasPointerCapture(e.pointerId)) set(100 - (100 * e.clientY) / innerHeight); });
  bar.addEventListener("keydown", (e) => {
    const way = { ArrowUp: 4, ArrowDown: -4 }[e.key];
    if (way) { set(Number(bar.getAttribute("aria-valuenow")) + way); e.preventDefault(); e.stopPropagation(); }
  });
}
