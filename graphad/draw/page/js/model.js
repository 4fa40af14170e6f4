// What the page knows, read from its JSON. Cards and boxes go by number; a key is "c12" for a card, "b3" for a box.

function readModel(data) {
  const words = data.words;
  const cards = data.cards.map((c, k) => ({
    k, title: c[0], text: c[1], type: words[c[2]], role: words[c[3]], box: c[4], isOutput: c[5] === 1, up: c[6] === 1,
    equation: c[7], at: words[c[8]], scope: words[c[9]], rule: words[c[10]], derivative: words[c[11]],
    uses: words[c[12]], op: c[13], operands: [], users: [], body: -1,
  }));
  for (const [source, target] of data.links) {
    if (!cards[target].operands.includes(source)) cards[target].operands.push(source);
    if (!cards[source].users.includes(target)) cards[source].users.push(target);
  }
  const boxes = data.boxes.map((b, k) => ({ ...b, k }));
  for (const b of boxes) if (b.kind === "loop") cards[b.card].body = b.k;
  const model = { ...data, cards, boxes, primal: invert(data.adjoints), serves: invert(data.helpers) };
  model.rewritesOf = groupBy(data.rewrites, (r) => r[4]);
  model.code.forEach((code) => { code.linesOf = linesOf(Object.entries(code.lines)); });
  model.places = data.files.flatMap((f) => f.lines.map(([line, text, of]) => ({ file: f.file, line, text, cards: of })));
  model.placeOf = new Map();
  model.places.forEach((p, k) => p.cards.forEach((c) => model.placeOf.set(c, k)));
  model.within = boxes.map(() => []);
  for (const c of cards) for (const b of outward(model, c.box)) model.within[b].push(c.k);
  return model;
}

// The boxes from one outward, itself first; where a loop's body lies, the loop's box goes on outside.
function outward(model, box) {
  const path = [];
  for (let b = box; b >= 0; b = model.boxes[b].parent) path.push(b);
  return path;
}

// Value -> the keys that lead to it.
function invert(table) {
  return groupPairs(Object.entries(table).flatMap(([key, values]) => values.map((v) => [v, Number(key)])));
}

function groupPairs(pairs) {
  const found = new Map();
  for (const [key, value] of pairs) found.set(key, [...(found.get(key) || []), value]);
  return found;
}

function groupBy(rows, key) {
  const found = new Map();
  for (const row of rows) {
    if (!found.has(key(row))) found.set(key(row), []);
    found.get(key(row)).push(row);
  }
  return found;
}

// Card -> the lines that compute it: those that are its own, else those that it is a part of.
function linesOf(entries) {
  const own = new Map();
  const part = new Map();
  for (const [line, cards] of entries) {
    cards.forEach((c, k) => {
      const table = k ? part : own;
      if (!table.has(c)) table.set(c, []);
      table.get(c).push(Number(line));
    });
  }
  return (card) => own.get(card) || part.get(card) || [];
}

// What belongs to some cards: their cotangents or what they are the cotangents of, and what else serves them.
function relatives(model, chosen) {
  const self = new Set(chosen);
  const twins = new Set();
  const helpers = new Set();
  for (const c of chosen) {
    for (const a of model.adjoints[c] || []) twins.add(a);
    for (const p of model.primal.get(c) || []) twins.add(p);
    for (const h of model.helpers[c] || []) helpers.add(h);
    for (const p of model.serves.get(c) || []) helpers.add(p);
  }
  for (const c of self) { twins.delete(c); helpers.delete(c); }
  for (const c of twins) helpers.delete(c);
  return { self, twins, helpers };
}

// The cards whose values go along a wire: one, or a bundle.
function valuesOf(model, value) {
  return value < 0 ? model.bundles[-1 - value] : [value];
}

// The box or card that stands for a card while some boxes are closed.
function shownFor(model, open, card) {
  if (model.cards[card].body >= 0) return shownForBox(model, open, model.cards[card].body);
  const closed = outward(model, model.cards[card].box).filter((b) => b && !open.has(b));
  return closed.length ? `b${closed[closed.length - 1]}` : `c${card}`;
}

function shownForBox(model, open, box) {
  const closed = outward(model, box).filter((b) => b && !open.has(b));
  return `b${closed.length ? closed[closed.length - 1] : box}`;
}
