// The drawing: open boxes below, then wires, then cards and closed boxes. It is made anew whenever a box opens or closes.

const SHAPES = {
  input: (w, h) => draw("rect", { width: w, height: h, rx: h / 2 }),
  parameter: (w, h) => polygon([[9, 0], [w - 9, 0], [w, h / 2], [w - 9, h], [9, h], [0, h / 2]]),
  sum: (w, h) => polygon([[8, 0], [w - 8, 0], [w, 8], [w, h - 8], [w - 8, h], [8, h], [0, h - 8], [0, 8]]),
  constant: (w, h) => polygon([[0, 0], [w - 9, 0], [w, 9], [w, h], [0, h]]),
  loss: (w, h) => polygon([[0, 0], [w, 0], [w, h - 7], [w / 2, h], [0, h - 7]]),
  backward: (w, h) => draw("rect", { width: w, height: h, rx: 1 }),
};

function polygon(points) {
  return draw("polygon", { points: points.map((p) => p.join(",")).join(" ") });
}

// Draw all that is visible; fills page.elements (key -> element), page.spots (key -> rectangle), page.wires.
function drawScene(page) {
  const { model, open } = page;
  const known = new Map();
  arrange(model, 0, open, known);
  const layers = ["boxes", "wires", "items", "over"].map((name) => draw("g", { class: name }));
  const [below, wires, items, over] = layers;
  Object.assign(page, { elements: new Map(), spots: new Map(), wires: [], labels: [], over });
  const stack = [[0, 0, 0]];
  for (const [b, x, y] of stack) {
    const inside = known.get(b);
    if (b) below.append(openBox(page, b, inside, x, y));
    for (const line of inside.lines) wires.append(wire(page, b, line, x, y));
    wires.append(...cutWires(page, b, inside, x, y));
    model.boxes[b].items.forEach((item, k) => {
      const t = inside.things[k];
      const spot = { x: x + t.x - t.w / 2, y: y + t.y - t.h / 2, w: t.w, h: t.h };
      if (t.inner) {
        stack.push([-1 - item, spot.x, spot.y]);
        items.append(header(page, -1 - item, spot));
      } else items.append(item < 0 ? closedBox(page, -1 - item, spot) : card(page, item, spot));
    });
    if (b) inside.ports.forEach((p, k) => items.append(port(page, b, k, x + p.x, y + p.y)));
  }
  wires.append(...wireLabels(page));
  page.world.replaceChildren(...layers);
  page.size = { w: known.get(0).w, h: known.get(0).h };
}

function place(page, key, element, spot) {
  page.elements.set(key, element);
  page.spots.set(key, spot);
  return element;
}

function words(x, y, name, text) {
  return draw("text", { x, y, class: name }, text);
}

function card(page, k, spot) {
  const c = page.model.cards[k];
  const { w, h } = spot;
  const shape = (SHAPES[c.role] || ((a, b) => draw("rect", { width: a, height: b, rx: 7 })))(w, h);
  shape.setAttribute("class", "shape");
  const element = draw("g", {
    class: `item card ${c.role}${c.isOutput ? " output" : ""}`, transform: `translate(${spot.x},${spot.y})`,
    "data-key": `c${k}`, role: "treeitem", tabindex: -1, "aria-level": outward(page.model, c.box).length,
    "aria-label": spoken(c),
  });
  if (c.isOutput) {
    const ring = shape.cloneNode();
    ring.setAttribute("class", "ring");
    ring.setAttribute("transform", `translate(-3.5,-3.5) scale(${(w + 7) / w},${(h + 7) / h})`);
    element.append(ring);
  }
  const inset = c.role === "input" ? h / 2 : 9;
  element.append(shape, draw("rect", { class: "bar", x: inset, y: h - 5, height: 3, width: 0, "data-room": w - 2 * inset }));
  const head = c.title || c.text;
  element.append(words(w / 2, 17, "title", cut(head, 34)));
  if (c.title && c.text) element.append(words(w / 2, 31, "text", cut(c.text, 34)));
  element.append(words(w / 2, c.title && c.text ? 45 : 31, "note", c.type));
  return place(page, `c${k}`, element, spot);
}

function spoken(c) {
  const kind = c.isOutput ? `${c.role}, result` : c.role;
  return `${c.equation}, ${c.type}, ${kind}${c.at ? `, line ${c.at}` : ""}`;
}

function closedBox(page, b, spot) {
  const box = page.model.boxes[b];
  const element = draw("g", {
    class: `item box ${box.kind}`, transform: `translate(${spot.x},${spot.y})`, "data-key": `b${b}`, role: "treeitem",
    tabindex: -1, "aria-expanded": "false", "aria-level": outward(page.model, b).length - 1,
    "aria-label": `${box.title}, ${box.kind}, ${box.note}, closed`,
  });
  for (const d of [6, 3, 0]) {
    const rest = d ? { class: "sheet", transform: `translate(${d},${-d})` } : { class: "shape" };
    element.append(draw("rect", { width: spot.w - 6, height: spot.h, rx: 6, ...rest }));
  }
  const middle = (spot.w - 6) / 2;
  element.append(draw("rect", { class: "bar", x: 5, y: spot.h - 5, height: 3, width: 0, "data-room": spot.w - 16 }));
  element.append(words(middle, 19, "title", `${box.kind === "loop" ? "↻" : "▸"} ${cut(box.title, 34)}`));
  element.append(words(middle, 35, "note", box.note));
  return place(page, `b${b}`, element, spot);
}

function openBox(page, b, inside, x, y) {
  const depth = outward(page.model, b).length - 1;
  return draw("rect", {
    class: `open ${page.model.boxes[b].kind} ${depth % 2 ? "odd" : "even"}`, x, y, width: inside.w, height: inside.h, rx: 9,
    "data-in": `b${b}`,
  });
}

function header(page, b, spot) {
  const box = page.model.boxes[b];
  const width = Math.min(spot.w - 12, 34 + 7.9 * Math.min(box.title.length, 34));
  const element = draw("g", {
    class: `item header ${box.kind}`, transform: `translate(${spot.x + 6},${spot.y + 6})`, "data-key": `b${b}`,
    role: "treeitem", tabindex: -1, "aria-expanded": "true", "aria-level": outward(page.model, b).length - 1,
    "aria-label": `${box.title}, ${box.kind}, ${box.note}, open`,
  });
  element.append(draw("rect", { class: "shape", width, height: 22, rx: 5 }));
  element.append(words(10, 15, "title", `▾ ${cut(box.title, 34)}`));
  return place(page, `b${b}`, element, { x: spot.x + 6, y: spot.y + 6, w: width, h: 22, whole: spot });
}

function port(page, b, k, x, y) {
  const [value, , into] = page.model.boxes[b].ports[k];
  const values = valuesOf(page.model, value);
  const [c] = values.map((v) => page.model.cards[v]);
  const dot = draw("circle", { class: `port ${c.up ? "up" : ""}`, cx: x, cy: y, r: values.length > 1 ? 5.5 : 4 });
  const more = values.length > 1 ? ` and ${values.length - 1} more` : "";
  dot.append(draw("title", {}, `${into ? "in" : "out"}: ${c.title || c.text}${more}  ${c.type}`));
  return dot;
}

function wire(page, b, line, x, y) {
  const [source, target, kind, value, label] = line.wire;
  const moved = { ...line, points: line.points.map(([px, py]) => [px + x, py + y]) };
  const element = draw("path", { class: `wire ${kind}`, d: pathOf(moved), "marker-end": `url(#arrow-${kind})` });
  const end = page.model.boxes[b].items[target];
  const isOpen = end < 0 && page.open.has(-1 - end) && page.model.boxes[-1 - end].kind !== "loop";
  if (end === undefined || isOpen) element.removeAttribute("marker-end"); // a port: the arrow goes on behind it
  const start = page.model.boxes[b].items[source];
  const values = valuesOf(page.model, value);
  page.wires.push({ element, values, source: start, target: end });
  const isSum = end !== undefined && end >= 0 && page.model.cards[end].role === "sum";
  const text = end === undefined ? "" : values.length > 1 ? `× ${values.length}` : isSum ? cut(label, 24) : "";
  if (values.length > 1) element.classList.add("bundle");
  const [lx, ly] = moved.points[moved.points.length - 1];
  const below = moved.points[0][1] > ly;
  if (text) page.labels.push({ at: `${b} ${target} ${below}`, x: lx, y: ly, below, text });
  return element;
}

// Names at the ends of wires: to the left of those on the left, to the right of the others, one above the other.
function wireLabels(page) {
  const drawn = [];
  for (const group of groupBy(page.labels, (l) => l.at).values()) {
    group.sort((a, b) => a.x - b.x);
    group.forEach(({ x, y, below, text }, k) => {
      const left = k < group.length / 2 && group.length > 1;
      const step = left ? k : group.length - 1 - k;
      const shown = words(x + (left ? -6 : 6), y + (below ? 14 + 11 * step : -7 - 11 * step), "use-label", text);
      shown.style.textAnchor = left ? "end" : "start";
      drawn.push(shown);
    });
  }
  return drawn;
}

// Of wires between far ends: how they come to their target, one line with the names for all that come the same way.
function cutWires(page, b, inside, x, y) {
  const { model } = page;
  const { items, wires } = model.boxes[b];
  const drawn = [];
  const ways = groupBy(wires.filter((w) => w[5]), (w) => `${w[1]} ${w[2] === "backward"}`);
  for (const way of ways.values()) {
    const [, target, kind] = way.find((w) => w[2] !== "use") || way[0];
    const t = inside.things[target];
    const sign = kind === "backward" ? 1 : -1;
    const [px, py] = [x + t.x - t.w / 2 + 16, y + t.y + (sign * t.h) / 2];
    const element = draw("path", { class: `wire cut ${kind}`, d: `M${px - 12} ${py + 17 * sign}Q${px} ${py + 15 * sign} ${px} ${py}` });
    if (items[target] !== undefined) element.setAttribute("marker-end", `url(#arrow-${kind})`);
    const names = [...new Set(way.flatMap((w) => valuesOf(model, w[3])))].map((v) => model.cards[v].title || model.cards[v].text);
    const text = names.length > 3 ? `× ${names.length}` : cut(names.join(", "), 16);
    const name = words(px - 14, py + (sign > 0 ? 21 : -14), "use-label", text);
    name.style.textAnchor = "end";
    drawn.push(element, name);
    for (const [source, , , value] of way) {
      const s = inside.things[source];
      const ends = [[x + s.x, y + s.y], [x + t.x, y + t.y]];
      page.wires.push({ element, values: valuesOf(model, value), source: items[source], target: items[target], ends });
    }
  }
  return drawn;
}
