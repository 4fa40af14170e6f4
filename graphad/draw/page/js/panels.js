// The panels: the user's lines, the generated code, and what is known of one card.

// A pane lists rows of code: {number, text, cards, head}. Rows light up with cards, and cards with rows.
function makePane(page, name, scroller, rows) {
  const pane = { name, scroller, rows: [], table: new Map(), rowsOf: (c) => pane.table.get(c) || [] };
  const list = make("div", { class: "lines" });
  rows.forEach((row, k) => {
    const element = row.head
      ? make("div", { class: "file" }, row.text)
      : make("div", { class: row.cards.length ? "line linked" : "line", "data-row": k, tabindex: row.cards.length ? -1 : null },
        make("span", { class: "no", "aria-hidden": "true" }, String(row.number)), make("span", { class: "cost" }),
        make("code", {}, ...codeText(row.text)));
    pane.rows.push(element);
    for (const c of row.cards || []) {
      if (!pane.table.has(c)) pane.table.set(c, []);
      pane.table.get(c).push({ at: k, element });
    }
    list.append(element);
  });
  pane.data = rows;
  scroller.replaceChildren(list);
  const at = (e) => {
    const row = e.target.closest(".linked");
    return row ? { cards: rows[Number(row.dataset.row)].cards, key: "", from: name } : null;
  };
  list.addEventListener("pointerover", (e) => { if (e.pointerType === "mouse") hover(page, at(e)); });
  list.addEventListener("pointerleave", () => hover(page, null));
  list.addEventListener("focusin", (e) => hover(page, at(e)));
  list.addEventListener("focusout", () => hover(page, null));
  list.addEventListener("keydown", (e) => lineKey(e));
  const [first] = list.getElementsByClassName("linked");
  if (first) {
    first.tabIndex = 0;
    scroller.scrollTop = first.offsetTop - list.offsetTop - 3 * first.offsetHeight; // helpers stand above
  }
  list.addEventListener("click", (e) => {
    const subject = at(e);
    if (!subject || (e.detail && String(getSelection()))) return;
    pin(page, subject);
    reveal(page, subject.cards[0], false);
  });
  return pane;
}

// Up and down go from line to line, Enter is a click. One line of each pane is in the order of tabs.
function lineKey(e) {
  const way = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[e.key];
  if (!way && e.key !== "Enter") return;
  e.preventDefault();
  e.stopPropagation();
  if (!way) { e.target.click(); return; }
  let next = e.target[way];
  while (next && !next.classList.contains("linked")) next = next[way];
  if (!next) return;
  e.target.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

function sourceRows(model) {
  return model.files.flatMap((f) => {
    const rows = [{ head: true, text: f.file }];
    f.lines.forEach(([number, text, cards], k) => {
      if (k && number > f.lines[k - 1][0] + 1) rows.push({ head: true, text: "⋯" });
      rows.push({ number, text: text || "(the text of this line is not at hand)", cards });
    });
    return rows;
  });
}

function codeRows(model, code) {
  return code.text.map((text, k) => ({ number: k + 1, text, cards: code.lines[k + 1] || [] }));
}

function passRows(model, pass) {
  return pass.lines.map(([text, cards], k) => ({ number: k + 1, text, cards }));
}

// The details of a subject ---------------------------------------------------------------------------------------------

function showDetails(page, subject) {
  const panel = byId("details-body");
  if (!subject) return panel.replaceChildren(...overview(page));
  const isBox = subject.box !== undefined && page.model.boxes[subject.box].kind !== "loop";
  panel.replaceChildren(...(isBox ? aboutBox(page, subject.box) : aboutCard(page, subject.cards[0])));
  const c = page.model.cards[subject.cards[0]];
  const value = c && page.model.numbers.values[c.k];
  byId("peek").textContent = isBox ? page.model.boxes[subject.box].title : `${c.equation}${value ? `  =  ${value}` : ""}`;
  return undefined;
}

function section(title, ...children) {
  return make("section", {}, make("h3", {}, title), ...children);
}

function chipSection(page, title, cards) {
  return cards.length ? [section(title, chips(page, cards))] : [];
}

function facts(rows) {
  const list = make("dl");
  for (const [name, value] of rows) if (value) list.append(make("dt", {}, name), make("dd", {}, value));
  return list;
}

function goTo(page, c) {
  const { title, text, role } = page.model.cards[c];
  const go = () => { pin(page, { cards: [c], key: `c${c}`, from: "details" }); reveal(page, c, true); };
  return make("button", { class: `chip ${role}`, type: "button", onclick: go, "data-go": c }, title || cut(text, 26));
}

function chips(page, cards) {
  return make("div", { class: "chips" }, ...cards.slice(0, 24).map((c) => goTo(page, c)), cards.length > 24 ? `and ${cards.length - 24} more` : null);
}

function aboutCard(page, k) {
  const { model } = page;
  const c = model.cards[k];
  const n = model.numbers;
  const seconds = n.seconds[k];
  const made = c.rule ? `made by ${c.rule}` : c.up ? "" : "yours";
  const parts = [
    make("h2", {}, c.title || c.text, " ", make("span", { class: `role ${c.role}` }, c.isOutput ? `${c.role} · result` : c.role)),
    make("pre", { class: "equation" }, ...codeText(c.equation)),
    make("div", { class: "math", "data-math": k, hidden: "" }), // for the equation as MathML
    facts([
      ["type", c.type], ["value", n.values[k]], ["line", c.at], ["scope", c.scope], ["origin", made],
      ["derivative", c.derivative], ["adds up", c.uses], ["FLOPs", c.operands.length ? amount(n.flops[k], "FLOP") : ""],
      ["bytes", amount(n.bytes[k], "B")], ["time", seconds === undefined ? "" : duration(seconds)],
    ]),
  ];
  if (n.pictures[k]) parts.splice(3, 0, picture(n.pictures[k]));
  const twins = [...(model.adjoints[k] || [])];
  if (twins.length) parts.push(section("Adjoint", ...twins.flatMap((a) => pairOf(page, a))));
  if (model.primal.has(k)) parts.push(section("Is the adjoint of", ...model.primal.get(k).flatMap((p) => pairOf(page, p))));
  else parts.push(...chipSection(page, "Serves the adjoints of", model.serves.get(k) || []));
  parts.push(...chipSection(page, "Reads", c.operands), ...chipSection(page, "Read by", c.users));
  return [...parts, ...generatedLines(page, k), ...rewriteList(page, k)];
}

function pairOf(page, a) {
  const value = page.model.numbers.values[a];
  return [chips(page, [a]), make("pre", { class: "equation" }, ...codeText(page.model.cards[a].equation)),
    value ? facts([["value", value]]) : null].filter(Boolean);
}

function generatedLines(page, k) {
  const found = page.model.code.map((code) => [code.style, code.linesOf(k), code.text]).filter(([, lines]) => lines.length);
  if (!page.model.code.length || page.model.cards[k].role === "input" || page.model.cards[k].role === "parameter") return [];
  if (!found.length) return [section("Generated code", make("p", { class: "quiet" }, "No line of its own: merged with an equal value, folded, or rewritten away."))];
  return [section("Generated code", ...found.map(([style, lines, text]) =>
    make("div", {}, make("span", { class: "quiet" }, `${style}, line ${lines.slice(0, 4).join(", ")}`),
      make("pre", { class: "equation" }, ...codeText(text[lines[0] - 1].trim())))))];
}

function rewriteList(page, k) {
  const list = page.model.rewritesOf.get(k);
  if (!list) return [];
  return [section("Rewrites", make("ol", { class: "rewrites" }, ...list.map(([pass, rule, before, after]) =>
    make("li", {}, make("b", {}, rule), make("span", { class: "quiet" }, ` in ${pass}`),
      make("code", { class: "before" }, before), make("code", { class: "after" }, after)))))];
}

function aboutBox(page, b) {
  const { model } = page;
  const box = model.boxes[b];
  const cards = model.within[b];
  const total = (table, unit) => {
    const numbers = cards.map((c) => table[c]);
    return numbers.every((v) => typeof v === "number") ? amount(numbers.reduce((x, y) => x + y, 0), unit) : "";
  };
  const rows = [["holds", box.note], ["FLOPs", total(model.numbers.flops, "FLOP")], ["bytes of values", total(model.numbers.bytes, "B")]];
  return [make("h2", {}, box.title, " ", make("span", { class: "role" }, box.kind)), facts(rows),
    ...chipSection(page, "Results inside", cards.filter((c) => model.cards[c].isOutput)),
    ...chipSection(page, "Named values", cards.filter((c) => model.cards[c].title && !model.cards[c].up))];
}

function overview(page) {
  const { model } = page;
  const sum = (table) => (table.every((v) => typeof v === "number") ? table.reduce((a, b) => a + b, 0) : null);
  const own = [...model.order].sort((a, b) => a - b).map((k) => model.cards[k]); // without those of loops' bodies
  const of = (role) => own.filter((c) => c.role === role).map((c) => c.k);
  const flops = sum(model.numbers.flops);
  const sizes = Object.entries(model.numbers.sizes).map(([k, v]) => `${k} = ${v}`).join(", ");
  const results = own.filter((c) => c.isOutput).map((c) => c.k);
  return [
    make("h2", {}, model.name),
    facts([["nodes", `${model.nodes} (${own.length} shown)`], ["sizes", sizes],
      ["FLOPs", flops === null ? "" : amount(flops, "FLOP")], ["a call", model.numbers.total ? duration(model.numbers.total) : ""]]),
    ...chipSection(page, "Inputs", of("input")), ...chipSection(page, "Parameters", of("parameter")),
    ...chipSection(page, "Results", results),
    make("p", { class: "quiet" }, "Hover or focus a node to see its adjoint, its line and its code; click to keep it. Press ? for the keys."),
  ];
}

// An array of few numbers as squares: blue below zero, orange above.
function picture(rows) {
  const side = Math.max(4, Math.min(18, Math.floor(280 / rows[0].length)));
  const most = Math.max(...rows.flat().map((v) => Math.abs(v ?? 0)), 1e-300);
  const svg = draw("svg", { class: "picture", width: side * rows[0].length, height: side * rows.length, role: "img", "aria-label": "the values as colors" });
  rows.forEach((row, y) => row.forEach((v, x) => {
    const square = draw("rect", { x: x * side, y: y * side, width: side - 1, height: side - 1, class: v === null ? "bad" : v < 0 ? "minus" : "plus" });
    square.style.fillOpacity = v === null ? 1 : Math.abs(v) / most;
    square.append(draw("title", {}, `[${y}, ${x}] ${v === null ? "not finite" : v}`));
    svg.append(square);
  }));
  return svg;
}
