// One pair with script: features by keys, and what a decision lacks is said before it is sent.

import "./features.js";
import { lacking } from "./judging.js";

document.addEventListener("submit", (event) => {
  const say = event.submitter?.name === "decision" && lacking(event.target, event.submitter.value);
  if (!say) return;
  event.preventDefault();
  event.target.querySelector("[data-consequence]").replaceChildren(document.getElementById(say).content.cloneNode(true));
});
