// A box around a face in a picture, drawn by pointer or by keys, in step with four number fields.

const LEAST = 16; // pixels of the picture: a smaller face cannot be marked
const CLICK = 4; // pixels of the screen: a shorter way is a click on a corner, not a drag
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const between = (least, value, most) => Math.round(Math.max(least, Math.min(value, most)));

/** Lets people draw on `canvas`, which lies over `image`; `form()` has the fields, or is null while nothing may be drawn. */
export function drawable(canvas, image, form) {
  let corner = null; // the first corner of a box that is being drawn
  let pressedAt = null; // where on the screen, while the pointer is down

  const fields = () => [...form().querySelectorAll("input[name=box]")];

  function draw() {
    canvas.querySelector(".drawn")?.remove();
    if (!form()) return;
    const box = fields().map((field) => Number(field.value));
    if (!(box[2] > 0 && box[3] > 0)) return;
    const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    ["x", "y", "width", "height"].forEach((side, place) => rect.setAttribute(side, box[place]));
    rect.setAttribute("class", "drawn");
    canvas.append(rect);
  }

  function set(box) {
    fields().forEach((field, place) => { field.value = box[place]; });
    draw();
  }

  function placeOf(event) {
    const all = canvas.getBoundingClientRect();
    return [
      between(0, (event.clientX - all.left) / all.width * image.naturalWidth, image.naturalWidth),
      between(0, (event.clientY - all.top) / all.height * image.naturalHeight, image.naturalHeight),
    ];
  }

  function span([x, y]) {
    set([Math.min(x, corner[0]), Math.min(y, corner[1]), Math.abs(x - corner[0]), Math.abs(y - corner[1])]);
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (!form() || event.button !== 0) return;
    if (corner) { // the second of two clicks
      span(placeOf(event));
      corner = null;
      return;
    }
    corner = placeOf(event);
    pressedAt = [event.clientX, event.clientY];
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => { if (corner && form()) span(placeOf(event)); });
  canvas.addEventListener("pointerup", (event) => {
    if (!pressedAt) return;
    if (Math.hypot(event.clientX - pressedAt[0], event.clientY - pressedAt[1]) >= CLICK) corner = null;
    pressedAt = null;
  });
  canvas.addEventListener("pointercancel", () => { corner = pressedAt = null; });

  canvas.addEventListener("keydown", (event) => {
    if (!form() || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "Enter") {
      event.preventDefault();
      return form().requestSubmit();
    }
    if (!STEPS[event.key]) return;
    event.preventDefault();
    corner = null;
    const [wide, high] = [image.naturalWidth, image.naturalHeight];
    let [x, y, width, height] = fields().map((field) => Number(field.value));
    if (!(width > 0 && height > 0)) {
      width = height = between(LEAST, Math.min(wide, high) / 4, Math.min(wide, high));
      [x, y] = [between(0, (wide - width) / 2, wide), between(0, (high - height) / 2, high)];
    } else {
      const [across, down] = STEPS[event.key].map((way) => way * Math.max(1, Math.round(Math.max(wide, high) / 100)));
      if (event.shiftKey) [width, height] = [between(LEAST, width + across, wide - x), between(LEAST, height + down, high - y)];
      else [x, y] = [between(0, x + across, wide - width), between(0, y + down, high - height)];
    }
    set([x, y, width, height]);
    const said = form().querySelector("[data-said]");
    said.textContent = said.dataset.said.replace("{x}", x).replace("{y}", y).replace("{width}", width).replace("{height}", height);
  });
  return draw;
}
