// The graph by keyboard and mouse: arrows go to the next node in that direction, with Shift they move the drawing.

const svg = document.querySelector("[data-view]");
const tools = document.querySelector("[data-graph-tools]");
const nodes = [...svg?.querySelectorAll("[data-node]") ?? []];
const whole = svg?.viewBox.baseVal;
const start = whole && { x: whole.x, y: whole.y, width: whole.width, height: whole.height };
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function look(x, y, width) {
  const most = Math.min(Math.max(width, start.width / 12), start.width * 2);
  svg.setAttribute("viewBox", `${x} ${y} ${most} ${(most * start.height) / start.width}`);
}

function zoom(by, at) {
  const view = svg.viewBox.baseVal;
  if (by === 0) return look(start.x, start.y, start.width);
  const point = at ?? { x: view.x + view.width / 2, y: view.y + view.height / 2 };
  const width = Math.min(Math.max(view.width / by, start.width / 12), start.width * 2);
  const share = width / view.width;
  look(point.x - (point.x - view.x) * share, point.y - (point.y - view.y) * share, width);
}

function move(dx, dy) {
  const view = svg.viewBox.baseVal;
  look(view.x + dx * view.width * 0.15, view.y + dy * view.height * 0.15, view.width);
}

const placeOf = (node) => { const at = node.transform.baseVal[0].matrix; return { x: at.e, y: at.f }; };

/** The nearest node in a direction: sideways distance counts double. */
function next(from, [dx, dy]) {
  const here = placeOf(from);
  let best = null;
  let least = Infinity;
  for (const node of nodes) {
    const there = placeOf(node);
    const along = (there.x - here.x) * dx + (there.y - here.y) * dy;
    const across = Math.abs((there.x - here.x) * dy) + Math.abs((there.y - here.y) * dx);
    if (node !== from && along > 0 && along + 2 * across < least) { best = node; least = along + 2 * across; }
  }
  return best;
}

function onKey(event) {
  const step = STEPS[event.key];
  if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  if (event.shiftKey) return move(...step);
  const from = event.target.closest("[data-node]");
  const to = from ? next(from, step) : nodes[0];
  if (!to) return;
  from?.setAttribute("tabindex", "-1");
  to.setAttribute("tabindex", "0");
  to.focus({ preventScroll: true });
  const view = svg.viewBox.baseVal;
  const at = placeOf(to);
  if (at.x < view.x || at.y < view.y || at.x > view.x + view.width || at.y > view.y + view.height) look(at.x - view.width / 2, at.y - view.height / 2, view.width);
}

if (svg) {
  tools.hidden = false;
  svg.addEventListener("keydown", onKey);
  for (const button of tools.querySelectorAll("[data-zoom]")) button.addEventListener("click", () => zoom(Number(button.dataset.zoom)));
  svg.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return; // the page itself scrolls
    event.preventDefault();
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    zoom(event.deltaY < 0 ? 1.15 : 0.87, at);
  }, { passive: false });
  let held = null;
  svg.addEventListener("pointerdown", (event) => { if (!event.target.closest("[data-node]")) held = { x: event.clientX, y: event.clientY }; });
  window.addEventListener("pointerup", () => { held = null; });
  svg.addEventListener("pointermove", (event) => {
    if (!held) return;
    const view = svg.viewBox.baseVal;
    const scale = view.width / svg.clientWidth;
    look(view.x - (event.clientX - held.x) * scale, view.y - (event.clientY - held.y) * scale, view.width);
    held = { x: event.clientX, y: event.clientY };
  });
}
