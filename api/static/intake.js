// Intake with script: the counts change by themselves; all events of a page are chosen by one key.

const state = document.querySelector("[data-stream]");
const stream = new EventSource(state.dataset.stream);
const LOST_MS = 15_000; // counts come every 3 s, after each minute in a new stream
const notLive = () => { state.textContent = state.dataset.lost; };
let lost = setTimeout(notLive, LOST_MS);

state.hidden = false;
stream.addEventListener("message", (event) => {
  clearTimeout(lost);
  lost = setTimeout(notLive, LOST_MS);
  state.textContent = state.dataset.live;
  for (const [name, text] of Object.entries(JSON.parse(event.data))) {
    const place = document.querySelector(`[data-count="${CSS.escape(name)}"]`);
    if (place && place.textContent !== text) place.textContent = text;
  }
});
stream.addEventListener("error", () => {
  if (stream.readyState !== EventSource.CLOSED) return; // the browser connects again
  clearTimeout(lost);
  state.textContent = state.dataset.closed;
});
addEventListener("pagehide", () => stream.close());

const all = document.querySelector("[data-all]");
if (all) {
  all.hidden = false;
  all.addEventListener("click", () => {
    const boxes = [...all.form.querySelectorAll("input[name=event]")];
    const isEach = boxes.every((box) => box.checked);
    for (const box of boxes) box.checked = !isEach;
  });
}
