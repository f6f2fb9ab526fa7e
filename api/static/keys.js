// Keys: every element with data-key is pressed by that key; `?` lists them. Also dialogs, and what is remembered.
// `g` before another key goes to another page. Where G alone has a meaning it acts at once, and Shift+G begins the way.

const OFF = "redthread-keys-off";
const CHORD_MS = 600;
let waiting = 0; // the timer of a first key

export const typing = (target) =>
  target instanceof HTMLElement && (target.isContentEditable || target.matches("textarea, select, input:not([type=checkbox]):not([type=radio]):not([type=button]):not([type=submit])"));

const off = () => localStorage.getItem(OFF) === "1";

/** The element that a key presses now: inside the open dialog, else on the page; hidden and disabled ones do not count. */
export function pressedBy(keys) {
  const scope = document.querySelector("dialog[open]") ?? document;
  const key = CSS.escape(keys);
  const found = scope.querySelectorAll(`[data-key="${key}"], [data-also="${key}"]`);
  return [...found].find((element) => !element.closest("[hidden], [inert]") && !element.disabled);
}

function nameOf(event) {
  if (event.key === " ") return "Space";
  return event.key.length === 1 ? event.key.toLowerCase() : event.key;
}

function onKey(event) {
  if (event.key === "Shift" || event.repeat || event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
  const key = nameOf(event);
  if (typing(event.target)) {
    // The first Escape only leaves the field, so the text in it stays.
    if (key === "Escape") event.target.blur();
    return;
  }
  if (key.length === 1 && key !== "?" && off()) return;
  // Enter and Space press what has the focus.
  if ((key === "Enter" || key === "Space") && event.target.closest("a, button, input, summary, [role=option]")) return;
  const isSecond = waiting !== 0;
  clearTimeout(waiting);
  waiting = 0;
  if (key === "g" && !isSecond && (event.shiftKey || !pressedBy("g"))) {
    waiting = setTimeout(() => { waiting = 0; }, CHORD_MS);
    event.preventDefault();
    return;
  }
  // A second key that leads nowhere does nothing: alone it may be a verdict.
  if (press(isSecond ? `g ${key}` : key)) event.preventDefault();
}

function press(keys) {
  const element = pressedBy(keys);
  if (!element) return false;
  if (element.matches("input:not([type=checkbox]):not([type=radio]), textarea, select")) element.focus();
  else element.click();
  return true;
}

function labelOf(element) {
  const label = element.getAttribute("aria-label") ?? element.dataset.label;
  if (label) return label;
  const copy = element.cloneNode(true);
  copy.querySelectorAll("kbd, .visually-hidden, .count").forEach((part) => part.remove());
  return copy.textContent.trim() || element.title;
}

function listKeys(dialog) {
  const list = dialog.querySelector("[data-keys]");
  if (!list) return;
  const seen = new Set();
  list.replaceChildren();
  // What decides comes first, then what else the page has, and the way to other pages last.
  const order = [".decide [data-key]", "main [data-key]", "[data-key]"];
  for (const element of order.flatMap((selector) => [...document.querySelectorAll(selector)])) {
    const keys = element.dataset.key;
    if (seen.has(keys) || element.closest("[hidden]")) continue;
    seen.add(keys);
    const term = document.createElement("dt");
    for (const key of [...keys.split(" "), element.dataset.also].filter(Boolean)) {
      const kbd = document.createElement("kbd");
      kbd.textContent = (keys.startsWith("g ") && key === "g" && pressedBy("g") ? "Shift+" : "") + (key.length === 1 ? key.toUpperCase() : key);
      if (key === element.dataset.also) term.append(list.dataset.or, " ");
      term.append(kbd, " ");
    }
    const detail = document.createElement("dd");
    detail.textContent = labelOf(element);
    list.append(term, detail);
  }
}

async function showCount(link) {
  const answer = await fetch(link.dataset.count).catch(() => null);
  const number = answer?.ok ? await answer.text() : "";
  if (!number) return;
  const count = document.createElement("span");
  count.className = "count";
  count.textContent = number;
  link.append(count);
}

document.addEventListener("keydown", onKey);
for (const link of document.querySelectorAll(".bar a[data-count]")) showCount(link);
for (const opener of document.querySelectorAll("[data-open]")) {
  const dialog = document.getElementById(opener.dataset.open);
  opener.hidden = false;
  opener.addEventListener("click", () => {
    if (dialog.open) return dialog.close();
    listKeys(dialog);
    dialog.showModal();
  });
}
document.querySelector("[data-forget]")?.addEventListener("submit", () => sessionStorage.clear());
for (const box of document.querySelectorAll("[data-keys-off]")) {
  box.checked = off();
  box.addEventListener("change", () => localStorage.setItem(OFF, box.checked ? "1" : ""));
}

// A form that is sent is not sent again by a second press, unless no other page has come for a minute.
const SENT_MS = 60000;
addEventListener("submit", (event) => {
  const { dataset, method } = event.target;
  if (event.defaultPrevented || method !== "post" || "download" in dataset) return;
  if (dataset.sent) return event.preventDefault();
  dataset.sent = "1";
  setTimeout(() => delete dataset.sent, SENT_MS);
});
addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent));
