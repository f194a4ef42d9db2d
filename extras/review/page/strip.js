// The strip of an open group's pictures, each with its buttons.

import { $, make } from "./nodes.js";
import { damageOf, isGone, keeperOf } from "./result.js";
import { loadThumb } from "./thumbnails.js";
import { view } from "./view.js";
import { base, letter } from "./words.js";

export function makeStrip() {
  $("strip").replaceChildren(...view.open.copies.map(makeOne));
}

function makeOne(copy, position) {
  const name = letter(position), image = make("img", { alt: "" });
  loadThumb(image, copy.number);
  const pick = make("button", { className: "pick", title: copy.path }, image,
    make("span", { className: "letter", textContent: name }),
    make("span", { className: "kept keep-mark", textContent: "keep", hidden: true }));
  const remove = make("button", { className: "remove", textContent: "Remove" });
  const keep = make("button", { className: "keep", textContent: "Only this" });
  keep.setAttribute("aria-label", `Keep only ${name}`);
  return make("div", { className: "one" }, pick, make("div", { className: "deeds" }, remove, keep));
}

export function dressStrip() {
  [...$("strip").children].forEach((one, position) => dressOne(one, view.open.copies[position], position));
}

function dressOne(one, copy, position) {
  const gone = isGone(copy), chosen = position === view.chosen, name = letter(position);
  const mark = `${name}${damageOf(copy) ? ", damaged" : ""}`;
  const [pick, letters, remove] = [".pick", ".letter", ".remove"].map((kind) => one.querySelector(kind));
  one.classList.toggle("gone", gone);
  one.classList.toggle("chosen", chosen);
  pick.setAttribute("aria-pressed", chosen);
  pick.setAttribute("aria-label", `Picture ${mark}, ${base(copy.path)}`);
  letters.classList.toggle("gone", gone);
  letters.textContent = mark;
  one.querySelector(".keep-mark").hidden = copy.number !== keeperOf(view.open);
  remove.textContent = gone ? "Restore" : "Remove";
  remove.setAttribute("aria-label", `${gone ? "Restore" : "Remove"} ${name}`);
}

// Brings the chosen picture into sight.
export function scrollStrip() {
  const room = $("strip"), one = room.children[view.chosen], end = one.offsetLeft + one.offsetWidth;
  if (one.offsetLeft < room.scrollLeft) room.scrollLeft = one.offsetLeft;
  else if (end > room.scrollLeft + room.clientWidth) room.scrollLeft = end - room.clientWidth;
}

export function focusChosen() {
  $("strip").querySelectorAll(".pick")[view.chosen]?.focus({ preventScroll: true });
}
