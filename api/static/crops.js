// Shows crops eye to eye: level, at one scale, at one height; and hides what lies beyond the picture's edge.

const EYES_APART = 0.27; // at most this share of the shown side, and
const EYES_TO_MOUTH = 0.29; // at most this one: in profile the eyes are close to each other
const EYES_AT = [0.5, 0.42];
const SHOWN = [0.6, 1.1]; // least and most of the crop's side that is shown

export function align(root) {
  for (const image of root.querySelectorAll("img[data-eyes]")) {
    const [x0, y0, x1, y1, mouthX, mouthY] = image.dataset.eyes.split(" ").map(Number);
    const [left, top, right, bottom] = image.dataset.edges.split(" ").map((edge) => Number(edge) * 100);
    const [eyesX, eyesY] = [(x0 + x1) / 2, (y0 + y1) / 2];
    const across = Math.hypot(x1 - x0, y1 - y0) / EYES_APART;
    const down = Math.hypot(mouthX - eyesX, mouthY - eyesY) / EYES_TO_MOUTH;
    const shown = Math.min(SHOWN[1], Math.max(SHOWN[0], across, down));
    const turn = -Math.atan2(y1 - y0, x1 - x0);
    const [x, y] = [eyesX * -100, eyesY * -100];
    image.style.transformOrigin = "0 0";
    image.style.transform = `translate(${EYES_AT[0] * 100}%, ${EYES_AT[1] * 100}%) rotate(${turn}rad) scale(${1 / shown}) translate(${x}%, ${y}%)`;
    image.style.clipPath = `inset(${top}% ${100 - right}% ${100 - bottom}% ${left}%)`;
  }
}

align(document);
