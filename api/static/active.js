// Whether somebody works on the page: what it asks by itself stops where nobody does.

const IDLE_MS = 5 * 60 * 1000;
let activeAt = Date.now();

export const isIdle = () => Date.now() - activeAt > IDLE_MS;
for (const event of ["keydown", "pointermove"]) document.addEventListener(event, () => { activeAt = Date.now(); });
