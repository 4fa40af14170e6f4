// Stepping through a run: what is given, the forward pass, the backward pass; with values where the page has some.
// A closed box is one step: the run of steps that lie in it.

const PACE = 900; // milliseconds a step while playing

function startSteps(page) {
  page.step = -1;
  byId("stepbar").hidden = false;
  byId("step").max = page.model.order.length - 1;
  byId("steps").setAttribute("aria-pressed", "true");
  if (layerHas(page.model, "values")) setLayer(page, "values");
  step(page, 1);
}

function stopSteps(page) {
  play(page, false);
  page.step = undefined;
  byId("stepbar").hidden = true;
  byId("steps").setAttribute("aria-pressed", "false");
  setLayer(page, "none");
  paintSteps(page);
  pin(page, null);
}

function toggleSteps(page) {
  if (page.step === undefined) startSteps(page);
  else stopSteps(page);
}

// To the next or the previous thing that is seen.
function step(page, way) {
  const { model, open } = page;
  if (page.step === undefined) return startSteps(page);
  const last = model.order.length - 1;
  const shown = (k) => shownFor(model, open, model.order[k]) + phaseOf(model, model.order[k]);
  let k = page.step + way;
  if (k < 0 || k > last) { play(page, false); return undefined; }
  while (k < last && shown(k + 1) === shown(k) && shown(k)[0] === "b") k += 1;
  if (way < 0 && shown(k) === shown(page.step) && shown(k)[0] === "b") {
    k = page.step;
    while (k >= 0 && shown(k) === shown(page.step)) k -= 1;
    if (k < 0) return undefined;
  }
  return goToStep(page, k);
}

function phaseOf(model, k) {
  const { role, up } = model.cards[k];
  return role === "input" || role === "parameter" ? "given" : up ? "backward" : "forward";
}

function goToStep(page, k) {
  const { model } = page;
  page.step = k;
  const c = model.cards[model.order[k]];
  const key = shownFor(model, page.open, c.k);
  byId("step").value = k;
  const count = `${k + 1}/${model.order.length}`;
  const phase = phaseOf(model, c.k);
  byId("step").setAttribute("aria-valuetext", `${count}, ${phase}: ${c.equation}`);
  const value = model.numbers.values[c.k];
  byId("phase").textContent = `${phase} ${count}`;
  byId("phase").className = phase;
  byId("step-text").replaceChildren(...codeText(c.equation), ...(value ? [make("b", {}, ` = ${value}`)] : []));
  paintSteps(page);
  page.pinned = { cards: [c.k], key, from: "steps" };
  page.hovered = null;
  light(page);
  if (page.spots.has(key)) bringIntoSight(page, page.spots.get(key), page.view.scale < 0.45);
}

function paintSteps(page) {
  const { model, open } = page;
  const running = page.step !== undefined;
  page.svg.classList.toggle("stepping", running);
  for (const element of page.elements.values()) element.classList.remove("done", "now");
  for (const w of page.wires) w.element.classList.remove("done");
  if (!running) return;
  const done = new Set(model.order.slice(0, page.step + 1));
  for (const c of done) page.elements.get(shownFor(model, open, c))?.classList.add("done");
  page.elements.get(shownFor(model, open, model.order[page.step]))?.classList.add("now");
  for (const w of page.wires) if (w.values.some((v) => done.has(v))) w.element.classList.add("done");
}

function play(page, on = !page.playing) {
  clearInterval(page.playing);
  page.playing = on ? setInterval(() => step(page, 1), PACE) : undefined;
  byId("play").textContent = on ? "❚❚" : "▶";
  byId("play").setAttribute("aria-label", on ? "Pause" : "Play");
}
