// A pause, offered after as many pictures as the reviewer wants.

import { facesOf, items } from "./looking.js";
import { copyOf } from "./sending.js";

const PAUSE = "redthread-pause";
const rest = document.getElementById("rest");
const field = document.querySelector("[data-pause]");
let offeredAt = 0; // the number of pictures at the last offer, or at the start
let looked = 0;

field.closest("label").hidden = false;
field.value = localStorage.getItem(PAUSE) ?? "";
field.addEventListener("change", () => localStorage.setItem(PAUSE, field.value));
items.addEventListener("shown", (event) => {
  looked += facesOf(event.target).length;
  const wanted = Number(field.value);
  if (!wanted || looked - offeredAt < wanted) return;
  offeredAt = looked;
  rest.replaceChildren(copyOf("pause"));
  rest.querySelector("button").addEventListener("click", () => rest.replaceChildren());
});
