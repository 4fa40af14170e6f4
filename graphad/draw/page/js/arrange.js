// Where things stand while some boxes are open. Graphviz has laid out every box with its boxes closed; here room is made:
// items keep rows and order, what is beside or below an open box moves away, and wires keep the places where they pass.

const HEADER = 30;
const MARGIN = 18;
const CUT = 60; // room for the names of wires of which only the ends are drawn

// The place of everything in a box, from its upper left corner; `open` is a set of boxes.
function arrange(model, box, open, known = new Map()) {
  const stack = [box];
  while (stack.length) {
    const b = stack[stack.length - 1];
    const inner = model.boxes[b].items.filter((i) => i < 0 && open.has(-1 - i)).map((i) => -1 - i);
    const missing = inner.filter((i) => !known.has(i));
    if (missing.length) stack.push(...missing);
    else known.set(stack.pop(), arranged(model, b, known));
  }
  return known.get(box);
}

function arranged(model, b, known) {
  const box = model.boxes[b];
  const { items, gaps, wires: routes } = model.layouts[box.layout];
  const wires = box.wires.filter((w) => !w[5]); // the others are drawn as two ends
  const things = items.map(([row, x, w, h], k) => {
    const inner = k < box.items.length && box.items[k] < 0 ? known.get(-1 - box.items[k]) : undefined;
    return { row, x, w: inner ? inner.w : w, h: inner ? inner.h : h, grown: inner ? inner.w - w : 0, inner };
  });
  const count = gaps.length + 1;
  const passes = wires.map((wire, k) => passing(things, routes[k], wire));
  const rows = Array.from({ length: count }, () => []);
  things.forEach((t) => rows[t.row].push(t));
  passes.forEach((p) => p.between.forEach((m) => rows[m.row].push(m)));
  rows.forEach(spread);
  const place = levels(box, things, gaps, count);
  const all = [...things, ...passes.flatMap((p) => p.between)];
  const left = (wires.length < box.wires.length ? CUT : MARGIN) - Math.min(...all.map((t) => t.x - t.w / 2));
  all.forEach((t) => { t.x += left; });
  const title = b ? 60 + 8 * Math.min(box.title.length, 36) : 0;
  const w = Math.max(title, MARGIN + Math.max(...all.map((t) => t.x + t.w / 2)));
  const ports = things.slice(box.items.length);
  const lines = passes.map((p, k) => ({ wire: wires[k], ...lineOf(model, things, p, wires[k], place) }));
  return { b, w, h: place.h, things, ports, lines };
}

// A wire's offsets, and for each row that it passes where it comes in and where it goes out.
function passing(things, places, [source, target, , , , , up]) {
  const route = up ? [...places].reverse() : places;
  const step = Math.sign(things[target].row - things[source].row);
  const between = [];
  for (let k = 1; k + 2 < route.length; k += 2) {
    const [a, b] = [route[k], route[k + 1]];
    between.push({ row: things[source].row + step * ((k + 1) / 2), x: (a + b) / 2, lean: (b - a) / 2, w: 0, grown: 0 });
  }
  return { start: route[0], between, end: route[route.length - 1], step };
}

// What has grown in a row pushes the others to both sides.
function spread(row) {
  row.sort((a, b) => a.x - b.x);
  const total = row.reduce((sum, t) => sum + t.grown, 0);
  let before = 0;
  for (const t of row) {
    const { grown } = t;
    t.x += (2 * before + grown - total) / 2;
    before += grown;
  }
}

// Heights: rows follow each other; ports stand on the border.
function levels(box, things, gaps, count) {
  const ports = new Set(things.slice(box.items.length));
  const tall = Array(count).fill(0);
  const onBorder = Array(count).fill(true);
  for (const t of things) {
    if (ports.has(t)) continue;
    tall[t.row] = Math.max(tall[t.row], t.h);
    onBorder[t.row] = false;
  }
  const head = box.parent < 0 ? MARGIN : HEADER + 14;
  const top = [];
  let y = onBorder[0] ? 0 : head;
  for (let r = 0; r < count; r += 1) {
    top.push(y);
    const gap = gaps[r] || 0;
    y += tall[r] + (onBorder[r] && r === 0 ? Math.max(gap, head) : gap);
  }
  const h = onBorder[count - 1] ? top[count - 1] : top[count - 1] + tall[count - 1] + MARGIN;
  const wide = tall.map((h, r) => things.some((t) => t.inner && t.row === r));
  for (const t of things) t.y = ports.has(t) ? top[t.row] : top[t.row] + tall[t.row] / 2;
  for (const t of ports) t.h = 0;
  return { top, tall, wide, h };
}

// The points of a wire: where it leaves, where it passes the rows between (straight through those that an open box has
// made tall), where it arrives. `upright` says at which points it runs straight up or down.
function lineOf(model, things, pass, [source, target, , value], { top, tall, wide }) {
  const s = things[source];
  const t = things[target];
  if (!pass.step) return { flat: true, points: flat(things, s, t, top[s.row]) };
  const down = pass.step > 0;
  const near = (r) => (down ? top[r] : top[r] + tall[r]);
  const far = (r) => (down ? top[r] + tall[r] : top[r]);
  const from = portOf(model, s, value, 0, pass.start);
  const to = portOf(model, t, value, 1, pass.end);
  const points = [[from, s.y + (down ? s.h : -s.h) / 2]];
  if (Math.abs(points[0][1] - far(s.row)) > 24) points.push([from, far(s.row)]);
  for (const m of pass.between) {
    const lean = wide[m.row] ? 0 : m.lean;
    points.push([m.x - lean, near(m.row)], [m.x + lean, far(m.row)]);
  }
  const end = t.y - (down ? t.h : -t.h) / 2;
  if (Math.abs(end - near(t.row)) > 24) points.push([to, near(t.row)]);
  points.push([to, end]);
  return { flat: false, points, side: to - t.x };
}

// Where a wire meets an item: at the port of an open box, else where Graphviz had it.
function portOf(model, thing, value, into, offset) {
  if (thing.inner) {
    const box = model.boxes[thing.inner.b];
    const k = box.ports.findIndex((p) => p[0] === value && p[2] === into);
    if (k >= 0) return thing.x - thing.w / 2 + thing.inner.ports[k].x;
  }
  return thing.x + offset;
}

// Side by side: straight when nothing stands between, else over the heads.
function flat(things, s, t, top) {
  const right = t.x > s.x;
  const a = s.x + (right ? s.w : -s.w) / 2;
  const b = t.x - (right ? t.w : -t.w) / 2;
  const blocked = things.some((o) => o !== s && o !== t && o.row === s.row && (o.x - s.x) * (o.x - t.x) < 0);
  if (!blocked) return [[a, s.y], [b, t.y]];
  const [p, q] = right ? [s.x + s.w / 4, t.x - t.w / 4] : [s.x - s.w / 4, t.x + t.w / 4];
  return [[p, s.y - s.h / 2], [p, top - 14], [q, top - 14], [q, t.y - t.h / 2]];
}

// The points as an SVG path: a curve through all of them that runs upright at both ends, and never back.
function pathOf({ flat: isFlat, points }) {
  const at = ([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`;
  if (isFlat && points.length === 2) return `M${at(points[0])}L${at(points[1])}`;
  if (isFlat) return `M${at(points[0])}C${points.slice(1).map(at).join(" ")}`;
  const slope = points.map((p, k) => {
    if (k === 0 || k === points.length - 1) return 0;
    const [[ax, ay], [bx, by]] = [points[k - 1], points[k + 1]];
    const turns = (p[0] - ax) * (bx - p[0]) <= 0.01;
    return turns ? 0 : (bx - ax) / (by - ay);
  });
  let path = `M${at(points[0])}`;
  for (let k = 1; k < points.length; k += 1) {
    const [[ax, ay], [bx, by]] = [points[k - 1], points[k]];
    const reach = (by - ay) * (points.length === 2 ? 0.45 : 0.38);
    path += `C${at([ax + slope[k - 1] * reach, ay + reach])} ${at([bx - slope[k] * reach, by - reach])} ${at(points[k])}`;
  }
  return path;
}
