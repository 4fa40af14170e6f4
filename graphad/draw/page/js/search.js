// Search: names, operations, types, the user's lines, generated lines. Enter goes from hit to hit.

function find(page, text) {
  const { model } = page;
  const wanted = text.trim().toLowerCase();
  if (!wanted) return [];
  const has = (...texts) => texts.some((t) => t.toLowerCase().includes(wanted));
  const hits = [];
  for (const b of model.boxes) if (b.k && has(b.title)) hits.push({ kind: b.kind, box: b.k, text: b.title });
  for (const c of model.cards) if (c.body < 0 && has(c.title, c.text, c.op, c.type)) hits.push({ kind: "node", card: c.k, text: c.equation });
  for (const p of model.places) if (p.cards.length && has(p.text)) hits.push({ kind: "line", card: p.cards[0], cards: p.cards, text: `${p.file}:${p.line}  ${p.text.trim()}` });
  for (const code of model.code) {
    code.text.forEach((line, k) => {
      const cards = code.lines[k + 1];
      if (cards && has(line)) hits.push({ kind: code.style, card: cards[0], cards, text: `${k + 1}  ${line.trim()}` });
    });
  }
  const exact = (h) => (h.card !== undefined && h.kind === "node" && model.cards[h.card].title.toLowerCase() === wanted ? 0 : 1);
  return hits.map((h, k) => [exact(h), k, h]).sort((a, b) => a[0] - b[0] || a[1] - b[1]).map((x) => x[2]);
}

const LISTED = 40;

function watchSearch(page) {
  const field = byId("search");
  page.hits = [];
  page.hit = -1;
  field.addEventListener("input", () => {
    page.hits = find(page, field.value);
    page.hit = -1;
    listHits(page);
    paintHits(page);
  });
  field.addEventListener("keydown", (e) => {
    if (e.key === "Enter") { stepHit(page, e.shiftKey ? -1 : 1); e.preventDefault(); }
    if (e.key === "ArrowDown" || e.key === "ArrowUp") { stepHit(page, e.key === "ArrowDown" ? 1 : -1); e.preventDefault(); }
    if (e.key === "Escape") { clearSearch(page); page.elements.get(page.current)?.focus({ preventScroll: true }); }
    e.stopPropagation();
  });
  field.addEventListener("blur", () => setTimeout(() => { byId("hits").hidden = true; }, 150));
  field.addEventListener("focus", () => listHits(page));
}

function clearSearch(page) {
  byId("search").value = "";
  page.hits = [];
  page.hit = -1;
  listHits(page);
  paintHits(page);
}

function stepHit(page, step) {
  if (!page.hits.length) return;
  page.hit = (page.hit + step + page.hits.length) % page.hits.length;
  showHit(page);
}

function showHit(page) {
  const hit = page.hits[page.hit];
  if (hit.box !== undefined) {
    revealBox(page, hit.box);
    pin(page, subjectOf(page, shownForBox(page.model, page.open, hit.box), "search"));
  } else {
    pin(page, { cards: hit.cards || [hit.card], key: `c${hit.card}`, from: "search" });
    reveal(page, hit.card, true);
  }
  listHits(page);
  paintHits(page);
}

function listHits(page) {
  const field = byId("search");
  const list = byId("hits");
  const some = field.value.trim() !== "";
  byId("count").textContent = some ? `${page.hit + 1}/${page.hits.length}` : "";
  list.hidden = !some || document.activeElement !== field;
  field.setAttribute("aria-expanded", String(!list.hidden));
  const from = Math.max(0, Math.min(page.hit - 5, page.hits.length - LISTED));
  const rows = page.hits.slice(from, from + LISTED).map((h, k) => {
    const choose = (e) => { e.preventDefault(); page.hit = from + k; showHit(page); };
    const row = make("li", { role: "option", id: `hit${from + k}`, "aria-selected": String(from + k === page.hit) },
      make("span", { class: "kind" }, h.kind), make("span", {}, cut(h.text, 90)));
    row.addEventListener("pointerdown", choose);
    return row;
  });
  if (some && !rows.length) rows.push(make("li", { class: "quiet" }, "nothing found"));
  list.replaceChildren(...rows);
  if (page.hit >= 0) field.setAttribute("aria-activedescendant", `hit${page.hit}`);
  else field.removeAttribute("aria-activedescendant");
}

function paintHits(page) {
  for (const element of page.elements.values()) element.classList.remove("hit");
  page.svg.classList.toggle("searching", page.hits.length > 0);
  for (const hit of page.hits) {
    if (hit.kind !== "node" && hit.box === undefined) continue;
    const key = hit.box === undefined ? shownFor(page.model, page.open, hit.card) : shownForBox(page.model, page.open, hit.box);
    page.elements.get(key)?.classList.add("hit");
  }
}
