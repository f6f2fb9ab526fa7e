// Search with script: the picture stays beside the answer, which grows by itself; faces are chosen and marked in it.

import { isIdle } from "./active.js";
import { align } from "./crops.js";
import { drawable } from "./marking.js";

const FIRST_POLL_MS = 700;
const LAST_POLL_MS = 15000;
const RETRY_MS = 2000;

const form = document.getElementById("ask");
const drop = form.querySelector("[data-drop]");
const answer = document.getElementById("answer");
const trouble = document.getElementById("trouble");
const copyOf = (id) => document.getElementById(id).content.cloneNode(true);
const shown = () => answer.querySelector("[data-search]");
let timer = 0;
let wait = FIRST_POLL_MS;
let sending = false;

// --- the answer ---

function take(response, text) {
  if (response.status === 401) return trouble.replaceChildren(copyOf("over"));
  if (!response.ok) {
    trouble.innerHTML = text;
    return response.status < 500 || poll(); // what failed once may still come
  }
  trouble.replaceChildren();
  const active = document.activeElement?.closest("[data-mark][open], figure[data-face]");
  const isNew = shown()?.dataset.search !== new DOMParser().parseFromString(text, "text/html").querySelector("[data-search]")?.dataset.search;
  if ((active || (document.activeElement === canvas && markForm())) && !isNew) {
    poll(); // somebody works in it: the next look takes it over
    return;
  }
  answer.innerHTML = text;
  align(answer);
  drawFaces();
  if (isNew) {
    history.pushState(null, "", response.url.split("?")[0]);
    answer.scrollIntoView({ block: "nearest" });
  }
  poll();
}

function poll() {
  clearTimeout(timer);
  if (!shown()?.dataset.waiting) return;
  timer = setTimeout(async () => {
    wait = Math.min(wait * 1.6, LAST_POLL_MS);
    if (isIdle()) return poll(); // asks nothing until somebody is there
    const response = await fetch(shown().dataset.waiting).catch(() => null);
    const text = await response?.text().catch(() => null);
    if (typeof text === "string") take(response, text);
    else poll();
  }, wait);
}

/** A whole answer, asked for until one comes; meanwhile the page says so. */
async function ask(url, options, meanwhile) {
  for (;;) {
    const response = await fetch(url, options).catch(() => null);
    const text = await response?.text().catch(() => null);
    if (typeof text === "string") return [response, text];
    trouble.replaceChildren(copyOf(meanwhile));
    await new Promise((done) => setTimeout(done, RETRY_MS));
  }
}

/** Sends a form; once it is saved only the page that follows is asked for again. */
async function send(body, url) {
  if (sending) return;
  sending = true;
  const sent = await ask(url, { method: "POST", body }, "offline");
  const next = sent[0].headers.get("redthread-next");
  wait = FIRST_POLL_MS;
  const answered = next ? await ask(next + new URL(url).search, {}, "away") : sent; // in the session of the form
  sending = false;
  take(...answered);
}

// --- the picture, which is only sent to be searched with ---

const view = drop?.querySelector(".picture");
const image = view?.querySelector("img");
const canvas = view?.querySelector("svg");
const input = drop?.querySelector("input[type=file]");
let shownSum = "";

async function show(file) {
  URL.revokeObjectURL(image.src);
  image.src = URL.createObjectURL(file);
  const digest = await crypto.subtle?.digest("SHA-256", await file.arrayBuffer());
  shownSum = digest ? [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("") : "";
  const isShown = await image.decode().then(() => true, () => false);
  view.hidden = !isShown;
  drop.querySelector("[data-unshown]").hidden = isShown;
  drop.querySelector("label").textContent = drop.dataset.again;
  canvas.setAttribute("viewBox", `0 0 ${image.naturalWidth || 1} ${image.naturalHeight || 1}`);
  drawFaces();
}

function choose(files) {
  const list = new DataTransfer();
  for (const file of [...files].slice(0, 1)) list.items.add(file);
  if (!list.files.length) return;
  input.files = list.files;
  show(list.files[0]);
}

const isOfAnswer = () => Boolean(view && !view.hidden && shown()?.dataset.picture === shownSum);

function rectangle(box) {
  const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  ["x", "y", "width", "height"].forEach((side, place) => rect.setAttribute(side, box[place]));
  canvas.append(rect);
  return rect;
}

function drawFaces() {
  if (!canvas) return;
  canvas.replaceChildren();
  const marks = answer.querySelector("[data-mark]");
  if (marks) {
    marks.querySelector("[data-draw]").hidden = !isOfAnswer();
    marks.querySelector("[data-choose]").hidden = isOfAnswer();
  }
  const isDrawn = markForm() !== null;
  canvas.setAttribute("aria-hidden", String(!isDrawn));
  canvas.setAttribute("tabindex", isDrawn ? "0" : "-1");
  if (!isOfAnswer()) return;
  for (const figure of answer.querySelectorAll("figure[data-box]")) {
    const rect = rectangle(figure.dataset.box.split(" "));
    rect.addEventListener("click", () => markForm() ?? figure.querySelector("button").focus());
    figure.addEventListener("focusin", () => rect.classList.add("picked"));
    figure.addEventListener("focusout", () => rect.classList.remove("picked"));
  }
  drawMark();
}

const markForm = () => (isOfAnswer() ? answer.querySelector("[data-mark][open] form") : null);
const drawMark = canvas ? drawable(canvas, image, markForm) : () => {};

// --- events ---

if (drop) {
  input.addEventListener("change", () => input.files.length && show(input.files[0]));
  drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => { event.preventDefault(); drop.classList.remove("over"); choose(event.dataTransfer.files); });
  document.addEventListener("paste", (event) => event.clipboardData.files.length && choose(event.clipboardData.files));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!input.files.length) return input.focus();
    send(new FormData(form), form.action);
  });
}

answer.addEventListener("input", (event) => event.target.name === "box" && drawMark());
answer.addEventListener("toggle", drawFaces, true);
answer.addEventListener("click", (event) => {
  if (event.target.closest("[data-to-picture]")) canvas.focus();
  if (!event.target.closest("[data-mark] summary")) return;
  requestAnimationFrame(() => markForm() && view.scrollIntoView({ block: "nearest" }));
});
answer.addEventListener("submit", (event) => {
  if (!event.target.closest(".mark")) return;
  event.preventDefault();
  document.activeElement?.blur();
  send(new URLSearchParams(new FormData(event.target)), event.target.action);
});
addEventListener("popstate", () => location.reload());
poll();
