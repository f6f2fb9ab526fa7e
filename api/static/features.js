// The feature picker: a press on a button means for, the next against, the third nothing; the select beside it is sent. The style
// sheet shows the buttons where there is script, and the selects elsewhere.

const STATES = ["", "for", "against"];

/** Shows on its button what a select says. */
export function showFeature(select) {
  const feature = select.closest("label").previousElementSibling;
  const state = STATES[select.selectedIndex];
  feature.setAttribute("aria-pressed", { "": "false", for: "true", against: "mixed" }[state]);
  feature.setAttribute("aria-label", { "": feature.dataset.label, for: feature.dataset.for, against: feature.dataset.against }[state]);
  feature.querySelector(".sign").textContent = { "": "", for: "+", against: "−" }[state];
}

document.addEventListener("click", (event) => {
  const feature = event.target.closest("button.feature");
  if (!feature) return;
  const select = feature.nextElementSibling.querySelector("select");
  select.selectedIndex = (select.selectedIndex + 1) % STATES.length;
  showFeature(select);
  select.dispatchEvent(new Event("change", { bubbles: true }));
});
