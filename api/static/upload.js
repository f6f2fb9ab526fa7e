// Sends many files, one after another, to the form's own address: each answer is a line of the list.

import { AWAY, copyOf } from "./sending.js";

const form = document.querySelector("[data-upload]");
const progress = document.querySelector("[data-progress]");
const drop = document.querySelector("[data-drop]");
const over = progress.querySelector("[data-over]");
const input = form.querySelector("#file");
const folder = form.querySelector("[data-folder]");
const AGAIN_MS = 3000;
const TRIES = 20; // while the service is away: a minute
const TOO_SLOW = 408; // which says nothing against the file
const queue = []; // files with their lines and the fields stated for them; the first one is being sent
const unsaved = [];
const counts = { stored: 0, refused: 0, left: 0 };
let busy = false;

for (const part of form.querySelectorAll("[data-scripted]")) part.hidden = false;
input.multiple = true;

const pause = () => new Promise((done) => setTimeout(done, AGAIN_MS));

function show() {
  const numbers = { ...counts, unsaved: unsaved.length };
  const sent = counts.stored + counts.refused + unsaved.length;
  const bar = progress.querySelector("[data-bar]");
  bar.max = sent + queue.length;
  bar.value = sent;
  progress.querySelector("[data-sent]").textContent = sent;
  progress.querySelector("[data-all]").textContent = sent + queue.length;
  for (const place of progress.querySelectorAll("[data-count]")) {
    place.textContent = numbers[place.dataset.count];
    place.parentElement.hidden = !numbers[place.dataset.count];
  }
  const isWhole = counts.refused + counts.left + unsaved.length === 0;
  progress.querySelector("[data-ended]").hidden = queue.length > 0 || !isWhole;
  progress.querySelector("[data-partly]").hidden = queue.length > 0 || isWhole;
  progress.querySelector("[data-again]").hidden = busy || !unsaved.length;
  input.required = !queue.length && !folder.files.length;
  progress.hidden = false;
}

function line(called) {
  const item = document.createElement("li");
  const name = document.createElement("bdi");
  name.textContent = called;
  item.append(name, " ", document.createElement("span"));
  progress.querySelector("[data-files]").prepend(item);
  return item.lastChild;
}

/** The form's address and purpose in the session that the same person has now, from another tab. */
async function takeSession() {
  const answer = await fetch(location.href).catch(() => null);
  const page = new DOMParser().parseFromString(answer?.ok ? await answer.text() : "", "text/html");
  if (page.documentElement.dataset.person !== document.documentElement.dataset.person) return;
  form.action = page.querySelector("[data-upload]").getAttribute("action");
  form.querySelector("[data-purpose]").replaceWith(page.querySelector("[data-purpose]"));
}

/** The answer to one file, and its text; null while the service stays away. */
async function send({ file, fields, place }) {
  for (let tries = 1; ; tries += 1) {
    const body = new FormData();
    for (const [name, value] of fields) body.append(name, value);
    body.set("file", file);
    const answer = await fetch(form.action, { method: "POST", body }).catch(() => null);
    const text = await answer?.text().catch(() => null);
    if (answer && !AWAY.includes(answer.status) && typeof text === "string") return { answer, text };
    if (tries === TRIES) return null;
    place.replaceChildren(copyOf("away"));
    await pause();
  }
}

/** Shows what became of a file; what is no answer of the pages is said in their words. */
function take(entry, sent) {
  const { ok = false, status = 0 } = sent?.answer ?? {};
  entry.place.innerHTML = sent?.text ?? ""; // a part of our own pages, in which every text is escaped
  if (!ok && !entry.place.querySelector("[data-code]")) entry.place.replaceChildren(copyOf("unsaved"));
  if (ok) counts.stored += 1;
  else if (status >= 400 && status < 500 && status !== TOO_SLOW) counts.refused += 1;
  else unsaved.push(entry);
}

async function sendAll() {
  if (busy) return;
  busy = true;
  if (!over.hidden) await takeSession();
  over.hidden = true;
  while (queue[0]?.fields) {
    const entry = queue[0];
    entry.place ??= line(entry.file.name);
    show();
    const sent = await send(entry);
    if (sent?.answer.status === 401) {
      entry.place.replaceChildren(copyOf("later"));
      over.hidden = false;
      break;
    }
    queue.shift();
    take(entry, sent);
  }
  busy = false;
  show();
}

function leaveOut(called, why) {
  counts.left += 1;
  line(called).replaceChildren(copyOf(why));
}

function add(files) {
  for (const file of files) {
    if (!file.size) leaveOut(file.name, "left-empty");
    else if (file.name.startsWith(".")) leaveOut(file.name, "left-hidden");
    else queue.push({ file });
  }
  if (queue.length || counts.left) show();
  if (!queue.length) return;
  const fields = new FormData(form);
  if (!fields.get("legal_basis") || !fields.get("scope")) return void form.reportValidity();
  for (const entry of queue) entry.fields ??= fields; // what is typed later is of later files
  sendAll();
}

/** Adds the files of what was dropped to `found`, folders opened; what cannot be read is left out by name. */
async function collect(entry, found) {
  try {
    if (entry.isFile) {
      found.push(await new Promise((done, fail) => entry.file(done, fail)));
      return;
    }
    const reader = entry.createReader();
    for (;;) {
      const some = await new Promise((done, fail) => reader.readEntries(done, fail));
      if (!some.length) return;
      for (const inner of some) await collect(inner, found);
    }
  } catch {
    leaveOut(entry.name, "left-unread");
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const files = [...input.files, ...folder.files];
  input.value = folder.value = "";
  add(files);
});
folder.addEventListener("change", () => { input.required = !queue.length && !folder.files.length; });
progress.querySelector("[data-again]").addEventListener("click", () => {
  queue.unshift(...unsaved.splice(0));
  sendAll();
});
drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
drop.addEventListener("dragleave", () => drop.classList.remove("over"));
drop.addEventListener("drop", async (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  const found = [];
  // All at once: the list of what was dropped is gone after the first wait.
  const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry()).filter(Boolean);
  for (const entry of entries) await collect(entry, found);
  add(found);
});
window.addEventListener("beforeunload", (event) => { if (queue.length) event.preventDefault(); });
