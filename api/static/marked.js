// Coming back to an item: the page shows the same one, with the features, words and ticks that were marked on it.
// They stay in this tab alone, for the person who marked them, until the item is decided or the person signs out.

import { showFeature } from "./features.js";

const MARKED = "redthread-marked";
const ITEMS_MAX = 20;

const { person } = document.documentElement.dataset;
const fieldsOf = (article) => [...article.querySelectorAll(".features select, .features input, .tick input")];
const nameOf = (field) => (field.type === "checkbox" ? field.value : field.options?.[1].value ?? field.name);
const stateOf = (field) => (field.type === "checkbox" ? field.checked || "no" : field.value);

function read() {
  const marked = JSON.parse(sessionStorage.getItem(MARKED));
  return new Map(marked?.person === person ? marked.items : []);
}

function write(items) {
  sessionStorage.setItem(MARKED, JSON.stringify({ person, items: [...items].slice(-ITEMS_MAX) }));
}

/** Forgets what was marked on an item. */
export function drop(article) {
  const items = read();
  if (items.delete(article.dataset.item)) write(items);
}

/** Marks on an item what was marked on it before. */
export function restore(article) {
  const marked = new Map(read().get(article.dataset.item));
  for (const field of fieldsOf(article)) {
    if (marked.has(nameOf(field)) && field.type === "checkbox") field.checked = false;
    else if (marked.has(nameOf(field))) field.value = marked.get(nameOf(field));
    if (field.matches("select")) showFeature(field);
  }
}

for (const type of ["input", "change"]) {
  document.addEventListener(type, (event) => {
    const article = event.target.closest("article.item");
    if (!article) return;
    const items = read();
    items.delete(article.dataset.item);
    const marked = fieldsOf(article).filter((field) => ![true, ""].includes(stateOf(field)));
    if (marked.length) items.set(article.dataset.item, marked.map((field) => [nameOf(field), stateOf(field)]));
    write(items);
  });
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-back]");
  if (!link) return;
  const to = new URL(link.href);
  to.searchParams.set("next", location.pathname + location.search);
  link.href = to;
}, true);
