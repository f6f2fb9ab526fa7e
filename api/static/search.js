// Search with script: the picture stays beside the answer, which grows by itself; faces are chosen and marked in it.

import { isIdle } from "./active.js";
import { align } from "./crops.js";
import { drawable } from "./marking.js";
import { AWAY, copyOf, trouble } from "./sending.js";

const FIRST_POLL_MS = 700;
const LAST_POLL_MS = 15000;
const RETRY_MS = 2000;
const ANSWER_MS = 300_000; // a long video takes minutes on a slow line

const form = document.getElementById("ask");
const drop = form.querySelector("[data-drop]");
const answer = document.getElementById("answer");
const shown = () => answer.querySelector("[data-search]");
const hex = (bytes) => [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
let timer = 0;
let wait = FIRST_POLL_MS;
let sending = false;

// --- the answer ---

function take(response, text) {
  if (response.status === 401) return trouble.replaceChildren(copyOf("over"));
  const came = new DOMParser().parseFromString(text, "text/html");
  const found = response.ok && came.querySelector("[data-search]");
  if (!found) {
    const ours = came.querySelector("[data-code]"); // none where what answered is not the pages
    trouble.replaceChildren(ours ?? copyOf(AWAY.includes(response.status) ? "away" : "failed"));
    if (response.ok || response.status >= 500) poll(); // what failed once may still come
    return;
  }
  trouble.replaceChildren();
  const active = document.activeElement?.closest("[data-mark][open], figure[data-face]");
  const isNew = shown()?.dataset.search !== found.dataset.search;
  if ((active || (document.activeElement === canvas && markForm())) && !isNew) {
    poll(); // somebody works in it: the next look takes it over
    return;
  }
  answer.innerHTML = text;
  align(answer);
  drawFaces();
  if (isNew) {
    history.pushState(null, "", response.url.split("?")[0]);
    answer.scrollIntoView({ block: answer.getBoundingClientRect().top < 0 ? "start" : "nearest" });
  }
  poll();
}

function poll() {
  clearTimeout(timer);
  if (!shown()?.dataset.waiting) return;
  timer = setTimeout(async () => {
    wait = Math.min(wait * 1.6, LAST_POLL_MS);
    if (isIdle()) return poll(); // asks nothing until somebody is there
    const came = await fetched(shown().dataset.waiting);
    if (came) take(...came);
    else poll();
  }, wait);
}

/** An answer and its text; null where they did not come whole. */
async function fetched(url, options = {}) {
  const response = await fetch(url, { ...options, signal: AbortSignal.timeout(ANSWER_MS) }).catch(() => null);
  const text = await response?.text().catch(() => null);
  return typeof text === "string" ? [response, text] : null;
}

/** As `fetched`, asked for until one comes, and whether an earlier try may have been saved; meanwhile the page says so. */
async function ask(url, options) {
  for (let again = false; ; again = true) {
    const came = await fetched(url, options);
    if (came && !AWAY.includes(came[0].status)) return [...came, again];
    trouble.replaceChildren(copyOf("away"));
    await new Promise((done) => setTimeout(done, RETRY_MS));
  }
}

/** Sends a form; once its answer came only the page that follows is asked for again. */
async function send(body, url) {
  if (sending) return;
  sending = true;
  const sent = await ask(url, { method: "POST", body });
  if (sent[0].status === 409 && sent[2]) return location.reload();
  const next = sent[0].headers.get("redthread-next");
  wait = FIRST_POLL_MS;
  const answered = next ? await ask(next + new URL(url).search) : sent; // in the session of the form
  sending = false;
  take(...answered);
}

// --- the picture, which is only sent to be searched with ---

const view = drop?.querySelector(".picture");
const image = view?.querySelector("img");
const canvas = view?.querySelector("svg");
const input = drop?.querySelector("input[type=file]");
let shownFile = null;
let shownSum = "";

async function show(file) {
  shownFile = file;
  shownSum = "";
  URL.revokeObjectURL(image.src);
  image.src = URL.createObjectURL(file);
  const digest = await crypto.subtle?.digest("SHA-256", await file.arrayBuffer());
  const isShown = await image.decode().then(() => true, () => false);
  if (shownFile !== file) return; // another was chosen meanwhile
  shownSum = digest ? hex(digest) : "";
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
    const body = new FormData(form);
    body.set("search_id", hex(crypto.getRandomValues(new Uint8Array(16)))); // sent again it is the same search
    send(body, form.action);
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
