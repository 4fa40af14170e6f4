// Pan and zoom: wheel, pinch, drag, buttons and keys. `page.view` is {x, y, scale}: screen = world * scale + (x, y).

const NEAREST = 3;
const FARTHEST = 0.02;
const SMALLEST = 0.08; // of all that is fitted
const ABOVE = 40; // pixels for the legend

function applyView(page) {
  const { x, y, scale } = page.view;
  page.world.setAttribute("transform", `translate(${x.toFixed(2)},${y.toFixed(2)}) scale(${scale.toFixed(4)})`);
  page.svg.classList.toggle("far", scale < 0.33);
  page.svg.style.setProperty("--legible", Math.min(3, Math.max(1, 0.6 / scale)).toFixed(2)); // names of open boxes
}

function zoomAt(page, factor, px, py) {
  const { view } = page;
  const scale = Math.min(NEAREST, Math.max(FARTHEST, view.scale * factor));
  view.x = px - ((px - view.x) * scale) / view.scale;
  view.y = py - ((py - view.y) * scale) / view.scale;
  view.scale = scale;
  applyView(page);
}

function zoomCenter(page, factor) {
  const { width, height } = page.svg.getBoundingClientRect();
  zoomAt(page, factor, width / 2, height / 2);
}

function pan(page, dx, dy) {
  page.view.x += dx;
  page.view.y += dy;
  applyView(page);
}

// The part of the drawing's window that no bar covers.
function frame(page) {
  const { width, height } = page.svg.getBoundingClientRect();
  const bars = byId("bars").offsetHeight;
  return { width, top: ABOVE, height: Math.max(height - ABOVE - 16 - (bars ? bars + 8 : 0), 60) };
}

// All of it, or where that would be unreadable, its upper part in readable size.
function fit(page, least = 0) {
  const { width, top, height } = frame(page);
  const { w, h } = page.size;
  const whole = Math.min((width - 24) / w, height / h, 1.25);
  const scale = Math.max(whole, Math.min(least, (width - 24) / w), SMALLEST);
  page.view = { scale, x: (width - w * scale) / 2, y: top + Math.max((height - h * scale) / 2, 0) };
  applyView(page);
}

// Move as little as needed to bring a rectangle of the world into sight.
function bringIntoSight(page, spot, center = false) {
  const { width, top, height } = frame(page);
  const { view } = page;
  if (center && view.scale < 0.6) view.scale = 0.9;
  const [l, t] = [spot.x * view.scale + view.x, spot.y * view.scale + view.y];
  const [w, h] = [spot.w * view.scale, spot.h * view.scale];
  const far = l < 20 || t < top || l + w > width - 20 || t + h > top + height;
  if (far || center) {
    view.x += width / 2 - (l + w / 2);
    view.y += top + height / 2 - (t + Math.min(h, height) / 2);
  }
  applyView(page);
}

// Bring a box that was opened into sight: all of it if it can be read then, else its head.
function bringBox(page, spot) {
  const { width, top, height } = frame(page);
  const { view } = page;
  const wanted = Math.min((width - 24) / spot.w, (height - 12) / spot.h);
  const scale = Math.min(view.scale, Math.max(wanted, 0.6));
  zoomAt(page, scale / view.scale, spot.x * view.scale + view.x, spot.y * view.scale + view.y);
  const [l, t] = [spot.x * scale + view.x, spot.y * scale + view.y];
  const [w, h] = [spot.w * scale, spot.h * scale];
  const dx = w > width - 24 ? (width - w) / 2 - l : Math.max(12 - l, Math.min(0, width - 60 - l - w));
  const dy = h > height ? top - t : Math.max(top - t, Math.min(0, top + height - t - h));
  pan(page, dx, dy);
}

function watchPointers(page) {
  const held = new Map();
  let moved = 0;
  const local = (e) => {
    const r = page.svg.getBoundingClientRect();
    return [e.clientX - r.left, e.clientY - r.top];
  };
  page.svg.addEventListener("wheel", (e) => {
    e.preventDefault();
    const pinch = e.ctrlKey ? 4 : 1;
    const step = Math.max(-60, Math.min(60, e.deltaY)) * pinch;
    zoomAt(page, Math.exp(-step / 400), ...local(e));
  }, { passive: false });
  page.svg.addEventListener("pointerdown", (e) => {
    if (!held.size) moved = 0;
    held.set(e.pointerId, local(e));
  });
  page.svg.addEventListener("pointermove", (e) => {
    if (!held.has(e.pointerId)) return;
    const before = held.get(e.pointerId);
    const now = local(e);
    moved += Math.hypot(now[0] - before[0], now[1] - before[1]);
    const other = [...held.entries()].find(([id]) => id !== e.pointerId);
    held.set(e.pointerId, now);
    if (moved < 5) return;
    if (!page.svg.hasPointerCapture(e.pointerId)) page.svg.setPointerCapture(e.pointerId);
    if (other) pinch(page, before, now, other[1]);
    else pan(page, now[0] - before[0], now[1] - before[1]);
  });
  const release = (e) => held.delete(e.pointerId);
  page.svg.addEventListener("pointerup", release);
  page.svg.addEventListener("pointercancel", release);
  page.wasDragged = () => moved >= 5;
}

function pinch(page, before, now, other) {
  const far = (p) => Math.max(Math.hypot(p[0] - other[0], p[1] - other[1]), 1);
  zoomAt(page, far(now) / far(before), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
  pan(page, (now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
}
