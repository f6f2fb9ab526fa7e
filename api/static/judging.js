// Before a verdict: what it lacks, and what *same person* would join.

import { copyOf, sessionOver } from "./sending.js";

/** Whether a picture of the item has not come: who judges has to see all of them. */
const lacksPicture = (article) => [...article.querySelectorAll("img")].some((image) => !image.complete || !image.naturalWidth);

function lacking(form, decision) {
  const { needs, say } = form.querySelector(`[name=decision][value=${decision}]`).dataset;
  const filled = (value) => value.trim() && !value.startsWith("against:");
  return needs && !new FormData(form).getAll(needs).some(filled) ? say : "";
}

let asked = 0;
const nextNumber = (article) => (article.dataset.asked = String(++asked));

/** Says in the item what stands in this template; a preview that comes late does not take its place. */
export function sayIn(article, id) {
  nextNumber(article);
  article.querySelector("[data-consequence]").replaceChildren(copyOf(id));
}

/** Whether the decision may be sent; what it lacks is said in the item. */
export function isReady(article, decision) {
  const isVerdict = decision !== "later" && decision !== "unsure";
  const lack = isVerdict && lacksPicture(article) ? "need-picture" : lacking(article.querySelector("form"), decision);
  if (lack) sayIn(article, lack);
  return !lack;
}

/** Shows what *same person* would join, or why it would be refused. */
export async function preview(article) {
  const form = article.querySelector("form");
  if (!form.dataset.preview) return;
  const number = nextNumber(article);
  try {
    const answer = await fetch(form.dataset.preview, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    const text = await answer.text();
    if (answer.status === 401) return sessionOver("ended");
    if (article.dataset.asked !== number) return;
    const consequence = article.querySelector("[data-consequence]");
    if (answer.ok) return void (consequence.innerHTML = text);
    // Nothing was pressed yet: of the refusal only its reason is said.
    consequence.replaceChildren(copyOf("cannot"));
    const why = new DOMParser().parseFromString(text, "text/html").querySelector(".problem .small, [data-code=invalid] b");
    if (why) consequence.firstElementChild.append(" ", ...why.childNodes);
  } catch {
    delete article.dataset.asked;
  }
}
