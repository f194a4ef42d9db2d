// A list of which the lines are moved: dragged by their grip, or by keys and buttons.

import { $, make } from "./nodes.js";

// A line of such a list; `name` is what it is called where it is spoken of.
export function makeLine(name, data, ...children) {
  const button = (className, textContent, label) => {
    const node = make("button", { type: "button", className, textContent });
    node.setAttribute("aria-label", label);
    return node;
  };
  return make("li", { data: { ...data, name } },
    button("grip", "⠿", `Move ${name}: drag it, or press the arrow keys`), ...children,
    button("up", "↑", `${name} one up`), button("down", "↓", `${name} one down`));
}

// Has the lines of a list moved; `moved` is called when one has another place.
export function makeSortable(list, moved) {
  let dragged = null, before = 0;
  const placeOf = (line) => [...list.children].indexOf(line);
  const end = (event) => {
    if (!dragged || event.target !== dragged.querySelector(".grip")) return;
    dragged.classList.remove("moving");
    if (placeOf(dragged) !== before) tell(list, dragged, moved);
    dragged = null;
  };
  list.addEventListener("pointerdown", (event) => {
    if (!event.target.matches(".grip") || event.button > 0) return;
    event.preventDefault(); // no text is chosen
    event.target.setPointerCapture(event.pointerId);
    event.target.focus();
    dragged = event.target.closest("li");
    before = placeOf(dragged);
    dragged.classList.add("moving");
  });
  list.addEventListener("pointermove", (event) => { if (dragged) bringTo(list, dragged, event.clientY); });
  list.addEventListener("pointerup", end);
  list.addEventListener("pointercancel", end);
  list.addEventListener("keydown", (event) => {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!step || !event.target.matches(".grip")) return;
    event.preventDefault();
    moveBy(list, event.target, step, moved);
  });
  list.addEventListener("click", (event) => {
    if (event.target.matches(".up, .down")) moveBy(list, event.target, event.target.matches(".up") ? -1 : 1, moved);
  });
}

// The line goes where the pointer is: past each neighbour whose middle it has passed.
function bringTo(list, line, y) {
  const middle = (node) => { const box = node.getBoundingClientRect(); return box.top + box.height / 2; };
  while (line.previousElementSibling && y < middle(line.previousElementSibling)) line.previousElementSibling.before(line);
  while (line.nextElementSibling && y > middle(line.nextElementSibling)) line.nextElementSibling.after(line);
  keepInSight(list, y);
}

function keepInSight(list, y) {
  const room = list.closest("dialog"), box = room.getBoundingClientRect(), edge = 40;
  if (y > box.bottom - edge) room.scrollTop += 12;
  else if (y < box.top + edge) room.scrollTop -= 12;
}

function moveBy(list, button, step, moved) {
  const line = button.closest("li"), other = step < 0 ? line.previousElementSibling : line.nextElementSibling;
  if (!other) return;
  if (step < 0) other.before(line);
  else other.after(line);
  button.focus();
  tell(list, line, moved);
}

function tell(list, line, moved) {
  $("live").textContent = `${line.dataset.name}: ${[...list.children].indexOf(line) + 1} of ${list.children.length}`;
  moved();
}
