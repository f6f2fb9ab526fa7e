// Looking at the shown item: one face of it is picked; zoom at the same place in all, flicker, blur and grey.

const REDUCED = matchMedia("(prefers-reduced-motion: reduce)");
const FLICKER_MS = 450;

const root = document.documentElement;
export const items = document.getElementById("items");
const tools = [...document.getElementById("tools").children];
let flicker = 0;

export const articles = () => [...items.querySelectorAll("article.item")];
export const current = () => articles().find((article) => !article.hidden);
export const facesOf = (article, side) => [...article.querySelectorAll(side ? `.face[data-side=${side}]` : ".face")];
export const pickedOf = (article) => article.querySelector(".face.picked") ?? facesOf(article, "right")[0];

/** Moves the tools into an item that is shown from now on; zoom and flicker of the one before end. */
export function look(article) {
  stopFlicker();
  root.classList.remove("zoomed");
  article?.querySelector(".judge > .tools").append(...tools);
  showPressed();
}

function step(article, by) {
  const faces = facesOf(article);
  pick(article, faces[(faces.indexOf(pickedOf(article)) + by + faces.length) % faces.length]);
}

/** Frames one face of the item, which the tools are for from then on. */
export function pick(article, next) {
  for (const face of facesOf(article)) face.classList.toggle("picked", face === next);
  next.scrollIntoView({ block: "nearest" });
  for (const link of article.querySelectorAll("[data-face-link]")) {
    const [from, to] = link.dataset.faceLink === "wider" ? [/\/faces\/[^/?]+/, `/faces/${next.dataset.face}`] : [/\/media\/[^/?]+/, `/media/${next.dataset.media}`];
    link.hidden = !(link.dataset.faceLink === "wider" ? next.dataset.labelVersion : next.dataset.media);
    if (!link.hidden) link.href = link.getAttribute("href").replace(from, to);
  }
}

function zoom(x = 50, y = 40) {
  const factor = Math.max(1.6, ...facesOf(current()).map((face) => {
    const image = face.querySelector("img");
    return image ? Math.min(4, image.naturalWidth / image.clientWidth) : 1;
  }));
  for (const [name, value] of [["--zoom", factor], ["--x", `${x}%`], ["--y", `${y}%`]]) items.style.setProperty(name, value);
}

function startFlicker(article) {
  const left = facesOf(article, "left")[0]?.querySelector(".lens");
  const glass = pickedOf(article)?.querySelector(".glass");
  if (!left || !glass) return;
  const over = left.cloneNode(true);
  over.classList.add("over");
  over.firstElementChild.alt = "";
  glass.append(over);
  glass.classList.add("flick");
  flicker = REDUCED.matches ? -1 : setInterval(() => glass.classList.toggle("flick"), FLICKER_MS);
}

function stopFlicker() {
  if (flicker > 0) clearInterval(flicker);
  flicker = 0;
  for (const over of items.querySelectorAll(".over")) {
    over.parentElement.classList.remove("flick");
    over.remove();
  }
}

function remember() {
  const look = ["blur", "grey"].filter((name) => root.classList.contains(name)).join("-");
  document.cookie = `look=${look}; path=/; max-age=31536000; samesite=lax`;
}

const TOOLS = {
  zoom: () => {
    root.classList.toggle("zoomed");
    zoom();
  },
  flicker: (article) => (flicker ? stopFlicker() : startFlicker(article)),
  blur: () => root.classList.toggle("blur"),
  grey: () => root.classList.toggle("grey"),
};

function press(tool) {
  TOOLS[tool](current());
  if (tool === "blur" || tool === "grey") remember();
  showPressed();
}

function showPressed() {
  const on = { zoom: root.classList.contains("zoomed"), flicker: flicker !== 0, blur: root.classList.contains("blur"), grey: root.classList.contains("grey") };
  for (const [tool, is] of Object.entries(on)) tools.find((button) => button.dataset.tool === tool).setAttribute("aria-pressed", is);
}

items.addEventListener("click", (event) => {
  const tool = event.target.closest("[data-tool]")?.dataset.tool;
  if (tool in TOOLS) press(tool);
});

items.addEventListener("pointermove", (event) => {
  const glass = root.classList.contains("zoomed") && event.target.closest(".glass");
  if (!glass) return;
  const box = glass.getBoundingClientRect();
  zoom((100 * (event.clientX - box.left)) / box.width, (100 * (event.clientY - box.top)) / box.height);
});

document.addEventListener("keydown", (event) => {
  const article = current();
  if (!article || event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || event.target.closest("input, select, textarea, dialog")) return;
  if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
    step(article, event.key === "ArrowRight" ? 1 : -1);
    event.preventDefault();
  } else if (event.key === " " && !event.target.closest("button, a")) {
    if (!event.repeat) pickedOf(article)?.querySelector(".tick input")?.click();
    event.preventDefault();
  }
});

look(current());
