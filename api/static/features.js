// The feature picker: a press on a button means for, the next against, the third nothing; the select beside it is sent.

const STATES = ["", "for", "against"];

/** Shows the buttons of the pickers in an element in place of the selects. */
export function prepareFeatures(element) {
  for (const button of element.querySelectorAll("button.feature")) button.hidden = false;
  for (const label of element.querySelectorAll("label.feature")) label.hidden = true;
}

/** Whether a form names a feature that speaks for it. */
export function hasReason(form) {
  return new FormData(form).getAll("reason").some((reason) => reason && !reason.startsWith("against:"));
}

document.addEventListener("click", (event) => {
  const feature = event.target.closest("button.feature");
  if (!feature) return;
  const select = feature.nextElementSibling.querySelector("select");
  select.selectedIndex = (select.selectedIndex + 1) % STATES.length;
  const state = STATES[select.selectedIndex];
  feature.setAttribute("aria-pressed", { "": "false", for: "true", against: "mixed" }[state]);
  feature.setAttribute("aria-label", { "": feature.dataset.label, for: feature.dataset.for, against: feature.dataset.against }[state]);
  feature.querySelector(".sign").textContent = { "": "", for: "+", against: "−" }[state];
});

document.addEventListener("submit", (event) => {
  const needed = event.target.querySelector("[data-need-reason]");
  if (!needed || event.submitter?.value !== "confirmed" || hasReason(event.target)) return;
  event.preventDefault();
  needed.textContent = needed.dataset.needReason;
});

prepareFeatures(document);
