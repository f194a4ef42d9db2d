// Which pictures of the open group are picked: one, or several by Shift and Ctrl.

import { view } from "./view.js";

// Puts somebody at a picture: it is picked alone, with Shift all up to it; with Ctrl a click adds it
// or takes it away, and a key only goes there.
export function goToPicture(position, { shiftKey = false, ctrlKey = false, metaKey = false, type = "" } = {}) {
  view.chosen = position;
  if (shiftKey) pickTo(position);
  else if (!ctrlKey && !metaKey) pickAlone(position);
  else if (type === "click") pickAlso(position);
}

export function pickAlone(position) {
  view.picked = new Set([position]);
  view.chosen = view.anchor = position;
}

function pickTo(position) {
  const [first, last] = [view.anchor, position].sort((a, b) => a - b);
  view.picked = new Set(Array.from({ length: last - first + 1 }, (_, n) => first + n));
}

export function pickAlso(position) {
  if (!view.picked.delete(position)) view.picked.add(position);
  view.anchor = position;
}

export function pickAll() {
  view.picked = new Set(view.open.copies.keys());
}

// Their places in order, if they are several.
export function severalPicked() {
  return view.picked.size > 1 ? [...view.picked].sort((a, b) => a - b) : [];
}

// The copies that a key is about.
export function pickedCopies() {
  const places = severalPicked();
  return (places.length ? places : [view.chosen]).map((place) => view.open.copies[place]);
}
