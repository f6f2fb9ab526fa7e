// Review with script: the next item in the same frame, one round trip a decision, previews asked ahead, undo.

import { align } from "./crops.js";
import { lacking } from "./features.js";

const RETRY_MS = 2000;
const LOOK_MS = 500; // for so long a new pair takes no verdict: a key that was pressed twice meant the one before
const SLOW_MS = 1500; // from then on the page says that nothing is saved yet
const ANSWER_MS = 20000;
const RENEW_MS = 4 * 60 * 1000;
const IDLE_MS = 5 * 60 * 1000;
const KEPT = ["contradiction", "invalid", "version_missing", "several_items", "settled", "forbidden"];
const REDUCED = matchMedia("(prefers-reduced-motion: reduce)");

const root = document.documentElement;
const items = document.getElementById("items");
const last = document.getElementById("last");
const trouble = document.getElementById("trouble");
const nothing = document.getElementById("nothing");
const tools = [...document.getElementById("tools").children];
let busy = false;
let newSince = -LOOK_MS; // when the pair after a verdict was shown
let activeAt = Date.now();
let flicker = 0;

const articles = () => [...items.querySelectorAll("article.item")];
const current = () => articles().find((article) => !article.hidden);
const copyOf = (id) => document.getElementById(id).content.cloneNode(true);
const facesOf = (article, side) => [...article.querySelectorAll(side ? `.face[data-side=${side}]` : ".face")];
const pickedOf = (article) => article.querySelector(".face.picked") ?? facesOf(article, "right")[0];

// --- the items ---

function prepare(article) {
  article.querySelector("h1").tabIndex = -1;
}

function show(article) {
  for (const other of articles()) other.hidden = other !== article;
  nothing.hidden = Boolean(article);
  stopFlicker();
  root.classList.remove("zoomed");
  if (!article) return;
  article.querySelector(".judge > .tools").append(...tools);
  article.querySelector("h1").focus({ preventScroll: true });
  scrollTo(0, 0);
  showPressed();
  article.dispatchEvent(new Event("shown", { bubbles: true }));
  askAhead();
}

function askAhead() {
  const open = articles();
  const place = open.indexOf(current());
  for (const article of open.slice(place, place + 2)) {
    if (!article.dataset.asked && article.querySelector("[data-preview]")) preview(article);
    for (const image of article.querySelectorAll("img")) image.decode().catch(() => {});
  }
}

async function preview(article) {
  const form = article.querySelector("form");
  const number = (article.dataset.asked = String(Number(article.dataset.asked ?? 0) + 1));
  try {
    const answer = await fetch(form.dataset.preview, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    const text = await answer.text();
    if (answer.status === 401) return sessionOver();
    if (article.dataset.asked === number) article.querySelector("[data-consequence]").innerHTML = text;
  } catch {
    delete article.dataset.asked;
  }
}

// --- decisions ---

const asideKeys = new Set(); // what was put aside, on a page whose items nobody claims

/** Whether a picture of the item has not come: who judges has to see all of them. */
const lacksPicture = (article) => [...article.querySelectorAll("img")].some((image) => !image.complete || !image.naturalWidth);

async function decide(article, decision) {
  if (busy || performance.now() - newSince < LOOK_MS) return;
  const form = article.querySelector("form");
  const isVerdict = decision !== "later" && decision !== "unsure";
  const lack = isVerdict && lacksPicture(article) ? "need-picture" : lacking(form, decision);
  if (lack) {
    article.querySelector("[data-consequence]").replaceChildren(copyOf(lack));
    return;
  }
  const body = new URLSearchParams(new FormData(form));
  body.set("decision", decision);
  body.set("held", String(articles().length - 1));
  if (items.dataset.known !== undefined) {
    if (decision === "later") asideKeys.add(article.dataset.claim);
    const held = articles().map((each) => each.dataset.claim).filter((key) => key !== article.dataset.claim);
    body.set("known", [...held, ...asideKeys].join(","));
  }
  const next = articles().find((other) => other !== article && other.hidden);
  newSince = performance.now();
  if (next) show(next);
  else article.hidden = true; // whether nothing waits is known with the answer
  const { answer, text, again } = await post(items.dataset.decide, body);
  if (answer.ok) {
    article.remove();
    take(text);
  } else if (answer.status === 409 && again) {
    location.reload(); // the first try may have been saved
  } else {
    refused(article, text);
  }
}

function take(text) {
  const parsed = new DOMParser().parseFromString(text, "text/html");
  last.replaceChildren(...parsed.querySelector("[data-last]").childNodes);
  const known = new Set(articles().map((article) => article.dataset.claim));
  for (const article of parsed.querySelectorAll("[data-items] > article")) {
    if (article.dataset.claim && known.has(article.dataset.claim)) continue;
    article.hidden = true;
    prepare(article);
    items.append(article);
    align(article);
  }
  if (!current()) show(articles()[0]);
  else askAhead();
}

function refused(article, text) {
  say(text);
  const code = trouble.querySelector("[data-code]")?.dataset.code;
  if (KEPT.includes(code)) show(article);
  else article.remove();
  if (!current()) show(articles()[0]);
}

/** Shows a refusal until the reviewer goes on. */
function say(text) {
  trouble.innerHTML = text;
  const panel = trouble.querySelector(".panel") ?? trouble;
  panel.append(copyOf("acknowledge"));
  panel.querySelector("button").addEventListener("click", () => trouble.replaceChildren());
}

async function post(url, body) {
  busy = true;
  root.classList.add("locked");
  let again = false;
  try {
    for (;;) {
      const slow = setTimeout(() => trouble.replaceChildren(copyOf("offline")), SLOW_MS);
      // A decision is sent in the session that it was made in, or not at all.
      const headers = { "Redthread-Session": root.dataset.session };
      const asked = { method: "POST", body, headers, signal: AbortSignal.timeout(ANSWER_MS) };
      const answer = await fetch(url, asked).catch(() => null);
      const text = await answer?.text().catch(() => null);
      clearTimeout(slow);
      if (answer?.status === 401) {
        sessionOver();
        return await new Promise(() => {}); // the keys stay locked
      }
      if (answer && answer.status < 500 && typeof text === "string") {
        trouble.replaceChildren();
        return { answer, text, again };
      }
      trouble.replaceChildren(copyOf("offline"));
      again = true;
      await new Promise((done) => setTimeout(done, RETRY_MS));
    }
  } finally {
    busy = false;
    root.classList.remove("locked");
  }
}

function sessionOver() {
  trouble.replaceChildren(copyOf("over"));
  items.inert = true;
}

async function undo(form) {
  if (busy) return;
  const { answer, text } = await post(form.action, new URLSearchParams(new FormData(form)));
  if (!answer.ok) return say(text);
  const before = new Set(articles());
  take(text);
  const back = articles().find((article) => !before.has(article));
  for (const article of articles()) if (article !== back && back?.dataset.links === article.dataset.links) article.remove();
  if (back) {
    items.prepend(back);
    show(back);
  }
}

async function noFace(article) {
  const face = pickedOf(article);
  if (busy || !face?.dataset.labelVersion) return;
  const body = new URLSearchParams({ face: face.dataset.face, label_version: face.dataset.labelVersion, claim: article.dataset.claim });
  const { answer, text } = await post(items.dataset.noFace, body);
  if (!answer.ok) return say(text);
  article.remove();
  take(text);
}

// --- looking ---

function pick(article, step) {
  const faces = facesOf(article);
  const place = faces.indexOf(pickedOf(article));
  const next = faces[(place + step + faces.length) % faces.length];
  for (const face of faces) face.classList.toggle("picked", face === next);
  next.scrollIntoView({ block: "nearest" });
  for (const link of article.querySelectorAll("[data-face-link]")) {
    const [from, to] = link.dataset.faceLink === "wider" ? [/\/faces\/[^/?]+/, `/faces/${next.dataset.face}`] : [/\/media\/[^/?]+/, `/media/${next.dataset.media}`];
    link.hidden = !(link.dataset.faceLink === "wider" ? next.dataset.labelVersion : next.dataset.media);
    if (!link.hidden) link.href = link.getAttribute("href").replace(from, to);
  }
}

function zoom(x = 50, y = 40) {
  const article = current();
  const factor = Math.max(1.6, ...facesOf(article).map((face) => {
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
  flicker = REDUCED.matches ? -1 : setInterval(() => glass.classList.toggle("flick"), 450);
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
  "no-face": (article) => noFace(article),
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

// --- events ---

items.addEventListener("change", (event) => {
  if (event.target.name === "same") preview(event.target.closest("article"));
});

document.addEventListener("submit", (event) => {
  if (event.target.matches("[data-undo]")) {
    event.preventDefault();
    undo(event.target);
  } else if (items.contains(event.target)) {
    event.preventDefault();
    decide(event.target.closest("article"), event.submitter?.value ?? "confirmed");
  }
});

items.addEventListener("click", (event) => {
  const tool = event.target.closest("[data-tool]");
  if (tool) press(tool.dataset.tool);
});

items.addEventListener("pointermove", (event) => {
  const glass = root.classList.contains("zoomed") && event.target.closest(".glass");
  if (!glass) return;
  const box = glass.getBoundingClientRect();
  zoom((100 * (event.clientX - box.left)) / box.width, (100 * (event.clientY - box.top)) / box.height);
});

document.addEventListener("keydown", (event) => {
  activeAt = Date.now();
  const article = current();
  if (!article || event.defaultPrevented || event.target.closest("input, select, textarea, dialog")) return;
  if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
    pick(article, event.key === "ArrowRight" ? 1 : -1);
    event.preventDefault();
  } else if (event.key === " " && !event.target.closest("button, a")) {
    pickedOf(article)?.querySelector(".tick input")?.click();
    event.preventDefault();
  }
});
document.addEventListener("pointermove", () => { activeAt = Date.now(); });

setInterval(() => {
  const claims = articles().map((article) => article.dataset.claim).filter(Boolean);
  if (!claims.length || !items.dataset.renew || Date.now() - activeAt > IDLE_MS) return;
  fetch(items.dataset.renew, { method: "POST", body: new URLSearchParams(claims.map((claim) => ["claim", claim])) }).catch(() => {});
}, RENEW_MS);

for (const article of articles()) prepare(article);
show(current());
showPressed();


// --- a pause, where the reviewer wants one ---

const PAUSE = "redthread-pause";
const field = document.querySelector("[data-pause]");
if (field) {
  const counter = field.closest("[data-seen]");
  let offeredAt = 0; // the number of pictures at the last offer, or at the start
  field.closest("label").hidden = false;
  field.value = localStorage.getItem(PAUSE) ?? "";
  field.addEventListener("change", () => localStorage.setItem(PAUSE, field.value));
  let looked = 0;
  items.addEventListener("shown", (event) => {
    looked += facesOf(event.target).length;
    const wanted = Number(field.value);
    if (!wanted || looked - offeredAt < wanted) return;
    offeredAt = looked;
    trouble.replaceChildren(copyOf("pause"));
    trouble.querySelector("button").addEventListener("click", () => trouble.replaceChildren());
  });
  counter.hidden = false;
}
