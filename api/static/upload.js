// Sends many files, one after another, to the form's own address: each answer is a line of the list.

const form = document.querySelector("[data-upload]");
const progress = document.querySelector("[data-progress]");
const drop = document.querySelector("[data-drop]");
const input = form.querySelector("#file");
const folder = form.querySelector("[data-folder]");
const AGAIN_MS = 3000;
const queue = [];
let all = 0;
let sent = 0;
let busy = false;

for (const part of form.querySelectorAll("[data-scripted]")) part.hidden = false;
input.multiple = true;

const pause = () => new Promise((done) => setTimeout(done, AGAIN_MS));

function show() {
  const bar = progress.querySelector("[data-bar]");
  bar.max = all;
  bar.value = sent;
  progress.querySelector("[data-sent]").textContent = sent;
  progress.querySelector("[data-all]").textContent = all;
  progress.querySelector("[data-ended]").hidden = sent < all;
}

function line(file) {
  const item = document.createElement("li");
  const name = document.createElement("bdi");
  name.textContent = file.name;
  item.append(name, " ", document.createElement("span"));
  progress.querySelector("[data-files]").prepend(item);
  return item.lastChild;
}

/** The answer to one file; waits as long as the service is away. Null: the session is over. */
async function send(file, place) {
  for (;;) {
    const body = new FormData(form);
    body.delete("file");
    body.set("file", file);
    try {
      const answer = await fetch(form.action, { method: "POST", body });
      if (answer.status === 401) return null;
      if (answer.status < 500) return answer.text();
    } catch { /* the network is away: as a service that does not answer */ }
    place.replaceChildren(progress.parentElement.querySelector("[data-away]").content.cloneNode(true));
    await pause();
  }
}

async function sendAll() {
  if (busy) return;
  busy = true;
  progress.hidden = false;
  while (queue.length) {
    const file = queue.shift();
    const place = line(file);
    show();
    const answer = await send(file, place);
    if (answer === null) {
      progress.prepend(document.querySelector("[data-over]").content.cloneNode(true));
      break;
    }
    place.innerHTML = answer; // a part of our own pages, in which every text is escaped
    sent += 1;
    show();
  }
  busy = false;
}

function add(files) {
  const real = [...files].filter((file) => file.size > 0 && !file.name.startsWith("."));
  if (!real.length) return;
  queue.push(...real);
  all += real.length;
  const named = new FormData(form);
  if (named.get("legal_basis") && named.get("scope")) sendAll();
  else form.reportValidity();
}

/** The files of what was dropped, folders opened. */
async function filesOf(entry) {
  if (entry.isFile) return [await new Promise((done, fail) => entry.file(done, fail))];
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((done, fail) => reader.readEntries(done, fail));
    if (!some.length) return found;
    for (const inner of some) found.push(...(await filesOf(inner)));
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  add([...input.files, ...folder.files]);
  input.value = folder.value = "";
  if (!busy && queue.length) sendAll();
});
folder.addEventListener("change", () => { input.required = !folder.files.length; });
drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
drop.addEventListener("dragleave", () => drop.classList.remove("over"));
drop.addEventListener("drop", async (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  input.required = false;
  const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry()).filter(Boolean);
  for (const entry of entries) add(await filesOf(entry));
});
window.addEventListener("beforeunload", (event) => { if (busy) event.preventDefault(); });
