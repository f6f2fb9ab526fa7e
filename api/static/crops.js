// Shows crops eye to eye: level, at one scale, at one height; and hides what lies beyond the picture's edge.

const EYES_APART = 0.3; // of the shown side
const EYES_AT = [0.5, 0.42];
const SHOWN = [0.5, 1.05]; // least and most of the crop's side that is shown

export function align(root) {
  for (const image of root.querySelectorAll("img[data-eyes]")) {
    const [x0, y0, x1, y1] = image.dataset.eyes.split(" ").map(Number);
    const [left, top, right, bottom] = image.dataset.edges.split(" ").map((edge) => Number(edge) * 100);
    const apart = Math.hypot(x1 - x0, y1 - y0);
    const shown = Math.min(SHOWN[1], Math.max(SHOWN[0], apart / EYES_APART));
    const turn = -Math.atan2(y1 - y0, x1 - x0);
    const [x, y] = [(x0 + x1) / 2, (y0 + y1) / 2].map((place) => place * -100);
    image.style.transformOrigin = "0 0";
    image.style.transform = `translate(${EYES_AT[0] * 100}%, ${EYES_AT[1] * 100}%) rotate(${turn}rad) scale(${1 / shown}) translate(${x}%, ${y}%)`;
    image.style.clipPath = `inset(${top}% ${100 - right}% ${100 - bottom}% ${left}%)`;
  }
}

align(document);
