// What lights up together: a card, its adjoint or primal, the user's line, the generated line, the rewrites.
// A subject is {cards, key, from}: hovered, focused, or pinned by a click.

function subjectOf(page, key, from = "graph") {
  const n = Number(key.slice(1));
  if (key[0] === "c") return { cards: [n], key, from };
  const box = page.model.boxes[n];
  return { cards: box.kind === "loop" ? [box.card] : page.model.within[n], key, from, box: n };
}

function hover(page, subject) {
  page.hovered = subject;
  light(page);
}

function pin(page, subject) {
  page.pinned = subject;
  page.hovered = null;
  light(page);
}

function light(page) {
  const subject = page.hovered || page.pinned;
  for (const [element, name] of page.lit || []) element.classList.remove(name);
  page.lit = [];
  page.over.replaceChildren();
  const busy = Boolean(subject);
  page.svg.classList.toggle("lighting", busy);
  const found = subject ? relatives(page.model, subject.cards) : { self: new Set(), twins: new Set(), helpers: new Set() };
  const one = subject && (subject.cards.length === 1 || subject.from !== "graph");
  if (subject) {
    if (one) lightItems(page, found);
    else if (page.elements.has(subject.key)) mark(page, page.elements.get(subject.key), "self");
    if (page.pinned && page.pinned.key && page.elements.has(page.pinned.key)) mark(page, page.elements.get(page.pinned.key), "pinned");
  }
  lightLines(page, found, subject);
  showDetails(page, subject);
}

function mark(page, element, name) {
  element.classList.add(name);
  page.lit.push([element, name]);
}

function lightItems(page, { self, twins, helpers }) {
  const { model, open, elements } = page;
  const groups = [["helper", helpers], ["twin", twins], ["self", self]];
  for (const [name, cards] of groups) {
    for (const c of cards) {
      const element = elements.get(shownFor(model, open, c));
      if (element) mark(page, element, name);
    }
  }
  for (const w of page.wires) {
    const out = w.values.some((v) => self.has(v));
    if (!out && !self.has(w.target)) continue;
    mark(page, w.element, out ? "out" : "into");
    if (w.ends) page.over.append(whole(w));
  }
  if (self.size === 1) for (const c of self) for (const t of twins) arc(page, c, t);
}

// All of a wire of which only the ends are drawn.
function whole({ ends: [[ax, ay], [bx, by]] }) {
  const middle = (ay + by) / 2;
  return draw("path", { class: "wire whole", d: `M${ax} ${ay}C${ax} ${middle} ${bx} ${middle} ${bx} ${by}` });
}

// A dashed line between a value and its adjoint.
function arc(page, a, b) {
  const [p, q] = [a, b].map((c) => page.spots.get(shownFor(page.model, page.open, c)));
  if (!p || !q || p === q) return;
  const [l, r] = p.x < q.x ? [p, q] : [q, p];
  const apart = r.x - (l.x + l.w);
  const ends = apart > 6
    ? [[l.x + l.w, l.y + l.h / 2], [r.x, r.y + r.h / 2]]
    : [[l.x + l.w, l.y + l.h / 2], [r.x + r.w, r.y + r.h / 2]];
  const [[ax, ay], [bx, by]] = ends;
  const bend = apart > 6 ? Math.max(apart / 2, 14) : 46;
  const side = apart > 6 ? -bend : bend;
  page.over.append(draw("path", { class: "adjoint", d: `M${ax} ${ay}C${ax + bend} ${ay} ${bx + side} ${by} ${bx} ${by}` }));
}

function lightLines(page, { self, twins }, subject) {
  const few = self.size <= 400 ? self : new Set([...self].slice(0, 400));
  for (const pane of page.panes) {
    const first = [];
    for (const [name, cards] of [["twin", twins], ["self", few]]) {
      for (const c of cards) {
        for (const row of pane.rowsOf(c)) {
          if (row.element) mark(page, row.element, name);
          if (name === "self" || !self.size) first.push(row.at);
        }
      }
    }
    if (subject && subject.from !== pane.name && first.length) showRow(pane, Math.min(...first));
  }
}

// Scroll a pane so that a row stands in it, and nothing else moves.
function showRow(pane, k) {
  const row = pane.rows[k];
  if (!row || !pane.scroller.clientHeight) return;
  const y = row.offsetTop;
  const { scrollTop, clientHeight } = pane.scroller;
  if (y < scrollTop + 30 || y > scrollTop + clientHeight - 40) pane.scroller.scrollTop = y - clientHeight / 3;
}
