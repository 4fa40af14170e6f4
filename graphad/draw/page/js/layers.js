// Layers: what a card's last line and its color say: its type, its time, FLOPs, bytes, value, or what a pass did to it.

const LAYERS = {
  none: { name: "types" },
  time: { name: "time", unit: duration, table: (m) => m.numbers.seconds, missing: "save with values= and profile=True" },
  flops: { name: "FLOPs", unit: (v) => amount(v, "FLOP"), table: (m) => m.numbers.flops },
  bytes: { name: "bytes", unit: (v) => amount(v, "B"), table: (m) => m.numbers.bytes },
  values: { name: "values", table: (m) => m.numbers.magnitudes, missing: "save with values=" },
  passes: { name: "passes", missing: "nothing was compiled" },
};

function layerHas(model, name) {
  if (name === "time") return Object.keys(model.numbers.seconds).length > 0;
  if (name === "values") return model.numbers.values.length > 0;
  return name !== "passes" || model.passes.length > 0;
}

function setLayer(page, name) {
  page.layer = name;
  byId("layer").value = name;
  byId("passbar").hidden = name !== "passes";
  if (name === "passes" && page.pass === undefined) page.pass = firstChange(page.model);
  if (name === "passes") showPass(page);
  else if (byId("code-body").dataset.style === "passes") showCode(page, page.model.code.length ? page.model.code[0].style : "");
  paintLayer(page);
  paintCosts(page);
}

function firstChange(model) {
  return Math.max(model.passes.findIndex((p) => p.gone.length + p.changed.length), 0);
}

function paintLayer(page) {
  const { model, layer, elements } = page;
  page.svg.dataset.layer = layer;
  const table = LAYERS[layer].table ? LAYERS[layer].table(model) : [];
  const numeric = (v) => (typeof v === "number" ? v : 0);
  const most = Math.max(...model.cards.map((c) => (c.operands.length || layer !== "flops" ? numeric(table[c.k]) : 0)), 1e-300);
  const share = (v) => Math.min(1, Math.sqrt(numeric(v) / most));
  const state = layer === "passes" ? passStates(model, page.pass) : null;
  for (const [key, element] of elements) {
    const k = Number(key.slice(1));
    const isBox = key[0] === "b";
    const sum = isBox && !["none", "values", "passes"].includes(layer) ? totalOf(model, k, table) : null;
    const isOpen = isBox && page.open.has(k);
    const heat = isOpen || layer === "none" || layer === "passes" ? 0 : isBox ? share(sum) : share(table[k]);
    element.style.setProperty("--heat", heat.toFixed(3));
    const bar = element.querySelector(".bar");
    if (bar) bar.setAttribute("width", (heat * Number(bar.dataset.room)).toFixed(1));
    element.dataset.state = state && !isOpen ? (isBox ? state.box(k) : state.card(k)) : "";
    const note = element.querySelector(".note");
    if (!note) continue;
    const text = isBox ? noteOfBox(page, k, sum, state) : noteOfCard(page, k, table[k], state);
    note.textContent = cut(text, Math.floor((page.spots.get(key).w - 10) / 6.03));
  }
  paintLegend(page, most);
}

function totalOf(model, b, table) {
  return model.within[b].reduce((sum, c) => sum + (typeof table[c] === "number" ? table[c] : 0), 0);
}

function noteOfCard(page, k, value, state) {
  const c = page.model.cards[k];
  if (page.layer === "values") return page.model.numbers.values[k];
  if (state) return state.words[state.card(k)] || "";
  if (page.layer === "none") return c.type;
  if (page.layer === "flops" && !c.operands.length) return "";
  return value === undefined ? "" : LAYERS[page.layer].unit(value);
}

function noteOfBox(page, b, sum, state) {
  if (state) return state.summary(b);
  return sum === null ? page.model.boxes[b].note : sum ? LAYERS[page.layer].unit(sum) : page.model.boxes[b].note;
}

// What a pass did to cards: it took them away, changed them, left them; some were gone before.
function passStates(model, pass) {
  const gone = new Set(model.passes[pass].gone);
  const changed = new Set(model.passes[pass].changed);
  const before = new Set(model.passes.slice(0, pass).flatMap((p) => p.gone));
  const card = (k) => (before.has(k) ? "absent" : gone.has(k) ? "gone" : changed.has(k) ? "changed" : "kept");
  const count = (b, name) => model.within[b].filter((c) => card(c) === name).length;
  return {
    card, words: { absent: "gone before", gone: "gone", changed: "changed", kept: "" },
    box: (b) => (count(b, "changed") ? "changed" : count(b, "gone") ? "gone" : "kept"),
    summary: (b) => [[count(b, "changed"), "changed"], [count(b, "gone"), "gone"]].filter(([n]) => n).map((p) => p.join(" ")).join(", ") || "as before",
  };
}

function showPass(page, step = 0) {
  const { model } = page;
  page.pass = Math.min(Math.max(page.pass + step, 0), model.passes.length - 1);
  const { is: [name, before, after], fired } = model.passes[page.pass];
  byId("pass").value = page.pass;
  const rules = fired.map(([rule, n]) => (n > 1 ? `${rule} ×${n}` : rule)).join(", ");
  byId("pass-name").textContent = `${page.pass + 1}/${model.passes.length} ${name}: ${before} → ${after} nodes`;
  byId("pass-rules").textContent = rules;
  showCode(page, "passes");
  paintLayer(page);
}

// The times of lines, beside the generated code.
function paintCosts(page) {
  const { seconds } = page.model.numbers;
  const pane = page.panes.find((p) => p.name === "code");
  if (!pane) return;
  pane.rows.forEach((row, k) => {
    const cell = row.querySelector(".cost");
    const own = pane.data[k].cards ? pane.data[k].cards[0] : undefined;
    if (cell) cell.textContent = page.layer === "time" && seconds[own] !== undefined ? duration(seconds[own]) : "";
  });
}

const PASS_LEGEND = [["changed", "changed"], ["gone", "gone"], ["absent", "gone before"], ["kept", "as before"]];

function paintLegend(page, most) {
  const legend = byId("legend");
  const used = new Set([...page.elements.keys()].filter((k) => k[0] === "c").map((k) => page.model.cards[Number(k.slice(1))].role));
  if (page.layer === "passes") {
    legend.replaceChildren(...PASS_LEGEND.map(([state, text]) => make("span", { class: `swatch state-${state}` }, text)));
  } else if (page.layer === "none") {
    legend.replaceChildren(...[...used].map((role) => make("span", { class: `swatch ${role}` }, role === "sum" ? "sum over uses" : role)));
  } else {
    const { unit } = LAYERS[page.layer];
    const text = most < 1e-200 ? "give sizes= for numbers" : unit ? `up to ${unit(most)}` : `bar: mean of |value|, up to ${Number(most.toPrecision(2))}`;
    legend.replaceChildren(...(unit ? [make("span", { class: "scale" })] : []), text);
  }
}
