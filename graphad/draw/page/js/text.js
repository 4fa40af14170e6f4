// Words and elements: everything of the user's goes in as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function draw(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "onclick") element.addEventListener("click", value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(key, value);
  }
  element.append(...children.filter((c) => c !== null && c !== undefined && c !== ""));
  return element;
}

function byId(id) {
  return document.getElementById(id);
}

function cut(text, most) {
  return text.length <= most ? text : `${text.slice(0, Math.max(most - 1, 1))}…`;
}

function amount(number, unit) {
  if (typeof number !== "number") return number;
  const steps = unit === "B" ? [[2 ** 30, "Gi"], [2 ** 20, "Mi"], [2 ** 10, "ki"]] : [[1e9, "G"], [1e6, "M"], [1e3, "k"]];
  const [size, prefix] = steps.find(([s]) => number >= s) || [1, ""];
  return `${Number((number / size).toPrecision(3))} ${prefix}${unit}`;
}

function duration(seconds) {
  const [size, unit] = seconds >= 1 ? [1, "s"] : seconds >= 1e-3 ? [1e-3, "ms"] : [1e-6, "µs"];
  return `${Number((seconds / size).toPrecision(3))} ${unit}`;
}

const PYTHON = /(#.*$)|("""[\s\S]*?"""|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|\b(def|return|for|in|if|else|elif|import|as|from|while|not|and|or|None|True|False|with|lambda|del|raise|class|assert|yield|pass|is)\b|\b(\d[\d_]*\.?\d*(?:e[-+]?\d+)?)\b/gi;
const KINDS = ["comment", "string", "keyword", "number"];

// A line of Python as pieces of text and spans that are colored.
function colored(line) {
  const pieces = [];
  let at = 0;
  for (const found of line.matchAll(PYTHON)) {
    if (found.index > at) pieces.push(line.slice(at, found.index));
    const kind = KINDS[[1, 2, 3, 4].findIndex((k) => found[k] !== undefined)];
    pieces.push([kind, found[0]]);
    at = found.index + found[0].length;
  }
  if (at < line.length) pieces.push(line.slice(at));
  return pieces;
}

function codeText(line) {
  return colored(line).map((p) => (typeof p === "string" ? p : make("span", { class: p[0] }, p[1])));
}
