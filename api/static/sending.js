// Sends what a person decided: one decision at a time, only in the session it was made in, again while the service is away.
// The address names the session.

const RETRY_MS = 2000;
const SLOW_MS = 1500; // from then on the page says that it waits
const ANSWER_MS = 20000;
export const AWAY = [502, 503, 504]; // any other answer is one: also 500, after which nothing is sent again unseen

const root = document.documentElement;
export const trouble = document.getElementById("trouble");
export const copyOf = (id) => document.getElementById(id).content.cloneNode(true);
let busy = false;
export const isBusy = () => busy;

/** The answer and its text; `again`: an earlier try may have been saved. Never returns once the session is over. */
export async function post(url, body) {
  busy = true;
  root.classList.add("locked");
  let again = false;
  try {
    for (;;) {
      const slow = setTimeout(() => again || trouble.replaceChildren(copyOf("slow")), SLOW_MS);
      const asked = { method: "POST", body, signal: AbortSignal.timeout(ANSWER_MS) };
      const answer = await fetch(url, asked).catch(() => null);
      const text = await answer?.text().catch(() => null);
      clearTimeout(slow);
      if (answer?.status === 401) {
        sessionOver("over");
        return await new Promise(() => {}); // the keys stay locked
      }
      if (answer && !AWAY.includes(answer.status) && typeof text === "string") {
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

/** Shows a refusal until the reviewer goes on, and then calls `next`; returns its code. */
export function say(text, next = () => {}) {
  trouble.innerHTML = text;
  if (!trouble.querySelector("[data-code]")) trouble.replaceChildren(copyOf("failed")); // what answered is not the pages
  const panel = trouble.querySelector("[data-code]");
  panel.append(copyOf("acknowledge"));
  panel.querySelector("button").addEventListener("click", () => {
    trouble.replaceChildren();
    next();
  });
  return panel.dataset.code;
}

/** Nothing is sent any more; `what` is the text that says what was lost by it. */
export function sessionOver(what) {
  trouble.replaceChildren(copyOf(what));
  const back = trouble.querySelector("a");
  const signIn = new URL(back.href);
  signIn.searchParams.set("next", location.pathname + location.search); // which item stood first is in the address now
  back.href = signIn.pathname + signIn.search;
  document.getElementById("items").inert = true;
}
