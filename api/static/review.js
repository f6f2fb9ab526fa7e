// Items one by one, with script: the next in the same frame, one round trip a decision, previews asked ahead, undo.

import { isIdle } from "./active.js";
import { align } from "./crops.js";
import { isReady, preview, sayIn } from "./judging.js";
import { articles, current, facesOf, items, look, pick } from "./looking.js";
import { drop, restore } from "./marked.js";
import { isBusy, post, say } from "./sending.js";

const LOOK_MS = 500; // for so long a new pair takes no verdict: a key that was pressed twice meant the one before
const RENEW_MS = 4 * 60 * 1000;
const ASIDE_MAX = 40; // keys of items in the address
const KNOWN_MAX = 150; // and in a form
const FILTERS = ["case_id", "victim_id", "leads"];
const KEPT = ["contradiction", "internal", "invalid", "version_missing", "several_items", "forbidden"];

const last = document.getElementById("last");
const nothing = document.getElementById("nothing");
const asideKeys = new Set(new URL(location).searchParams.get("known")?.split(",").filter(Boolean)); // put aside, where nobody claims items
let newSince = -LOOK_MS; // when the pair after a verdict was shown

function show(article) {
  for (const other of articles()) other.hidden = other !== article;
  nothing.hidden = Boolean(article);
  look(article);
  if (!article) return;
  stay(article);
  const heading = article.querySelector("h1");
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
  scrollTo(0, 0);
  article.dispatchEvent(new Event("shown", { bubbles: true }));
  askAhead();
}

/** Opened again, the page's address shows this item first. */
function stay(article) {
  const here = new URL(location);
  here.searchParams.set("first", article.dataset.item);
  if (asideKeys.size) here.searchParams.set("known", [...asideKeys].slice(-ASIDE_MAX).join(","));
  history.replaceState(null, "", here);
}

function askAhead() {
  const open = articles();
  const place = open.indexOf(current());
  for (const article of open.slice(place, place + 2)) {
    if (!article.dataset.asked) preview(article);
    for (const image of article.querySelectorAll("img")) image.decode().catch(() => {});
  }
}

/** What *same* joins or contradicts is another after faces were joined or parted: it is asked for again. */
function askAgain() {
  for (const article of articles()) delete article.dataset.asked;
}

function end(article) {
  drop(article);
  article.remove();
}

/** Adds the filters of the page, through which the batch is filled again. */
function filtered(body) {
  const here = new URL(location).searchParams;
  for (const name of FILTERS) if (here.has(name)) body.set(name, here.get(name));
}

async function decide(article, decision) {
  if (isBusy() || performance.now() - newSince < LOOK_MS || !isReady(article, decision)) return;
  const body = new URLSearchParams(new FormData(article.querySelector("form")));
  body.set("decision", decision);
  body.set("held", String(articles().length - 1));
  filtered(body);
  if (items.dataset.known !== undefined) {
    if (decision === "later") asideKeys.add(article.dataset.claim);
    const held = articles().map((each) => each.dataset.claim).filter((key) => key !== article.dataset.claim);
    body.set("known", [...held, ...[...asideKeys].slice(-KNOWN_MAX)].join(","));
  }
  const next = articles().find((other) => other !== article && other.hidden);
  newSince = performance.now();
  if (next) show(next);
  else article.hidden = true; // whether nothing waits is known with the answer
  const { answer, text, again } = await post(items.dataset.decide, body);
  const following = answer.headers.get("redthread-next"); // after a pair that stands alone
  if (answer.ok) {
    end(article);
    if (decision === "confirmed" || decision === "dismissed") askAgain();
    if (following) location.assign(following);
    else take(text);
  } else if (answer.status === 409 && again) {
    location.reload(); // the first try may have been saved
  } else {
    // What waits when none is left here is known to the service alone: the item itself may wait again, changed.
    if (KEPT.includes(say(text, () => articles().length || location.reload()))) show(article);
    else end(article);
    if (!current() && articles().length) show(articles()[0]);
  }
}

/** Shows what an answer says; its item of the claim `first` comes before those that the page has. */
function take(text, first = "") {
  const parsed = new DOMParser().parseFromString(text, "text/html");
  last.replaceChildren(...parsed.querySelector("[data-last]").childNodes);
  for (const article of parsed.querySelectorAll("[data-items] > article")) {
    const before = article.dataset.claim && articles().find((other) => other.dataset.claim === article.dataset.claim);
    article.hidden = true;
    restore(article);
    if (before) before.replaceWith(article); // it has other faces now
    else if (first && article.dataset.claim === first) items.prepend(article);
    else items.append(article);
    align(article);
  }
  if (!current()) show(articles()[0]);
  else askAhead();
}

async function undo(form) {
  if (isBusy()) return;
  const { answer, text, again } = await post(form.action, new URLSearchParams(new FormData(form)));
  if (answer.status === 409 && again) { // the first try may have been saved: then its item comes first
    const here = new URL(location);
    here.searchParams.delete("first");
    return location.replace(here);
  }
  if (!answer.ok) return say(text);
  const before = new Set(articles());
  askAgain();
  take(text);
  const back = articles().find((article) => !before.has(article));
  for (const article of articles()) if (article !== back && back?.dataset.links === article.dataset.links) article.remove();
  if (back) {
    items.prepend(back);
    show(back);
  }
}

async function noFace(article) {
  if (isBusy() || performance.now() - newSince < LOOK_MS) return;
  const framed = article.querySelector(".face.picked");
  const meant = framed ? [framed] : [...facesOf(article, "right"), ...facesOf(article, "left")];
  const face = meant.find((one) => one.dataset.labelVersion);
  if (!face) return sayIn(article, "not-ours");
  if (!framed) {
    pick(article, face); // nobody has chosen it: it is shown first which one is meant
    newSince = performance.now();
    return sayIn(article, "framed");
  }
  const body = new URLSearchParams({ face: face.dataset.face, label_version: face.dataset.labelVersion, claim: article.dataset.claim });
  body.set("held", String(articles().length - 1));
  filtered(body);
  const { answer, text, again } = await post(items.dataset.noFace, body);
  if (answer.status === 409 && again) return location.reload();
  if (!answer.ok) return say(text);
  newSince = performance.now();
  end(article);
  take(text, article.dataset.claim); // the item's other faces stay in sight
}

items.addEventListener("change", (event) => {
  const article = event.target.closest("article");
  if (event.target.name === "same" || article.querySelector("[data-consequence] .needed")) preview(article);
});

items.addEventListener("click", (event) => {
  if (event.target.closest("[data-tool=no-face]")) noFace(current());
});

document.addEventListener("submit", (event) => {
  if (event.target.matches("[data-undo]")) {
    event.preventDefault();
    undo(event.target);
  } else if (items.contains(event.target)) {
    event.preventDefault();
    if (event.submitter) decide(event.target.closest("article"), event.submitter.value);
  }
});

setInterval(() => {
  const claims = articles().map((article) => article.dataset.claim).filter(Boolean);
  if (!claims.length || !items.dataset.renew || isIdle()) return;
  fetch(items.dataset.renew, { method: "POST", body: new URLSearchParams(claims.map((claim) => ["claim", claim])) }).catch(() => {});
}, RENEW_MS);

articles().forEach(restore);
show(current());
