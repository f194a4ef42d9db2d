// The strip of an open group's pictures, each with its buttons.

import { $, make } from "./nodes.js";
import { markedPaths } from "./paths.js";
import { areIdentical, damageOf, isGone, keeperOf } from "./result.js";
import { severalPicked } from "./picking.js";
import { take } from "./ready.js";
import { loadThumb, markShape } from "./thumbnails.js";
import { view } from "./view.js";
import { base, letter } from "./words.js";

const THUMB_SIDE = 320, PREVIEW_SIDE = 1600; // as rendering.py has them

// drawn: what is to be done when a picture has come
export function makeStrip(drawn) {
  const { copies } = view.open, wheres = areIdentical(view.open) ? markedPaths(copies.map((copy) => copy.path)) : [];
  const ones = copies.map((copy, position) => makeOne(copy, position, drawn));
  wheres.forEach((nodes, position) => ones[position].firstChild.after(make("span", { className: "path" }, ...nodes)));
  $("strip").replaceChildren(...ones);
}

// Whether the strip has the pictures in another order by now.
export function isReordered() {
  return [...$("strip").children].some((one, place) => Number(one.dataset.number) !== view.open.copies[place]?.number);
}

function makeOne(copy, position, drawn) {
  const name = letter(position), came = take("thumb", copy), image = came ?? make("img", { alt: "" });
  image.addEventListener("load", drawn);
  if (came) markShape(came);
  else loadThumb(image, copy.number, position);
  const pick = make("button", { className: "pick", title: copy.path }, image,
    make("span", { className: "letter", textContent: name }),
    make("span", { className: "kept keep-mark", textContent: "keep", hidden: true }));
  const remove = make("button", { className: "remove", textContent: "Remove" });
  const keep = make("button", { className: "keep", textContent: "Only this" });
  keep.setAttribute("aria-label", `Keep only ${name}`);
  return make("div", { className: "one", data: { number: copy.number } }, pick, make("div", { className: "deeds" }, remove, keep));
}

// The small picture of a place as an image, or nothing as long as it hasn't come.
function thumbOf(position) {
  const inGrid = $("grid").querySelector(`[data-number="${view.open.copies[position].number}"] img`);
  const images = [$("strip").children[position]?.querySelector("img"), inGrid];
  return images.find((one) => one?.complete && one.naturalWidth) ?? null;
}

// The same, to stand for the large one.
export function standIn(position) {
  const image = thumbOf(position);
  if (!image) return null;
  const canvas = make("canvas", { width: image.naturalWidth, height: image.naturalHeight });
  canvas.getContext("2d").drawImage(image, 0, 0);
  return canvas;
}

// How large a preview is of the picture in a place, by its thumbnail; or nothing.
export function sizeByThumb(position) {
  const image = thumbOf(position);
  if (!image) return null;
  const { naturalWidth: width, naturalHeight: height } = image;
  const times = Math.max(width, height) < THUMB_SIDE ? 1 : PREVIEW_SIDE / THUMB_SIDE; // a smaller one is all there is
  return { width: width * times, height: height * times };
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
  const picked = severalPicked();
  one.classList.toggle("picked", picked.includes(position));
  pick.setAttribute("aria-pressed", picked.length ? picked.includes(position) : chosen);
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
