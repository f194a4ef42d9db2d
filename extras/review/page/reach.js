// What a thumb reaches: the bar at the lower edge of a touch screen, and swiping to other groups.

import { $ } from "./nodes.js";
import { isGone, suggestions, kept } from "./result.js";
import { view } from "./view.js";
import { letter } from "./words.js";

const LEAST = 60; // pixels of a swipe

// The button elsewhere on the page that a place of the bar stands for.
const MEANT = {
  previous: () => $("previous"),
  remove: () => $("strip").children[view.chosen]?.querySelector(".remove"),
  decide: () => $("accept") ?? bestButton() ?? $("keep-group"),
  next: () => $("next"),
};
const bestButton = () => {
  const isOne = suggestions.get(view.open.number)?.burst && !kept.has(view.open.number);
  return isOne ? $("burst").querySelector("[data-best='1']:not(:disabled)") : null;
};

export function dressReach() {
  const copy = view.open.copies[view.chosen], meant = MEANT.decide();
  $("reach-remove").textContent = `${isGone(copy) ? "Restore" : "Remove"} ${letter(view.chosen)}`;
  $("reach-decide").textContent = meant?.dataset.best ? "Keep sharpest" : meant?.textContent ?? "";
  $("reach-decide").disabled = !meant || meant.disabled;
  $("reach-decide").classList.toggle("primary", Boolean(meant?.matches("#accept:not(:disabled), [data-best]")));
}

export function followReach() {
  $("reach").addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (button) MEANT[button.id.replace("reach-", "")]()?.click();
  });
}

// A finger across the pictures, where all of them is seen, leads to the group after or before.
export function followSwipes(stage, move) {
  const room = $("stage");
  let start = null; // what follows is heard anywhere: the pane under the finger may be built anew
  const slide = (pixels) => { room.style.translate = pixels ? `${pixels}px` : ""; };
  const isAcross = (across, down) => Math.abs(across) > 2 * Math.abs(down);
  room.addEventListener("pointerdown", (event) => {
    const isFirst = event.isPrimary && event.pointerType === "touch" && stage.zoom <= 1 && !event.target.closest(".handle");
    start = isFirst ? { id: event.pointerId, x: event.clientX, y: event.clientY } : null;
    if (!start) slide(0);
  });
  document.addEventListener("pointermove", (event) => {
    if (start?.id !== event.pointerId) return;
    const across = event.clientX - start.x;
    slide(isAcross(across, event.clientY - start.y) ? across / 3 : 0);
  });
  document.addEventListener("pointerup", (event) => {
    const from = start, across = event.clientX - from?.x;
    start = null;
    slide(0);
    if (from?.id === event.pointerId && Math.abs(across) >= LEAST && isAcross(across, event.clientY - from.y)) move(across < 0 ? 1 : -1);
  });
  document.addEventListener("pointercancel", () => { start = null; slide(0); });
}
