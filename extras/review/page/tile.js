// A group's tile in the grid: its first pictures, and what has become of them.

import { make } from "./nodes.js";
import { MISSING, doomedOf, isLeft, kept, keeperOf, removalsOf, result, seen, sizeOf, suggestions } from "./result.js";
import { loadThumb } from "./thumbnails.js";
import { base, bytes, counted } from "./words.js";

const CELLS = 4;

export function makeTile(group, position) {
  const button = make("button", { className: "tile", tabIndex: -1, data: { position } },
    make("span", { className: "pictures" }, ...cellsOf(group)),
    make("span", { className: "words" }),
    make("span", { className: "where", title: group.copies[0].path }));
  dressTile(button, group);
  return button;
}

// The one to keep comes first.
function cellsOf(group) {
  const keeper = keeperOf(group);
  const order = [...group.copies].sort((a, b) => (b.number === keeper) - (a.number === keeper) || a.number - b.number);
  const cells = order.slice(0, CELLS).map((copy) => {
    const image = make("img", { alt: "", decoding: "async" });
    loadThumb(image, copy.number);
    return make("span", { className: "cell", data: { number: copy.number } }, image);
  });
  const rest = group.copies.length - cells.length;
  if (rest) cells.at(-1).append(make("span", { className: "more", textContent: `+${rest}` }));
  return cells;
}

// Whether the tile has a picture of what is to be kept, or of nothing in particular.
export function showsKeeper(tile, group) {
  const keeper = keeperOf(group) ?? null;
  return keeper === null || tile.querySelector(`[data-number="${keeper}"]`) !== null;
}

export function dressTile(button, group) {
  if (!group) return;
  for (const cell of button.querySelectorAll(".cell")) dressCell(cell, group);
  const name = make("span", { className: "name", textContent: base(group.copies[0].path) });
  button.querySelector(".where").replaceChildren(name, ...chipsOf(group));
  button.querySelector(".words").replaceChildren(
    make("b", { textContent: group.number }),
    make("span", { className: "muted", textContent: `${counted(group.copies.length, "picture")} · ${bytes(sizeOf(group))}` }));
  button.setAttribute("aria-label", spoken(group));
}

function dressCell(cell, group) {
  const number = Number(cell.dataset.number), isKeeper = number === keeperOf(group);
  cell.classList.toggle("gone", result.states[number] in MISSING);
  cell.classList.toggle("keeper", isKeeper);
  if (isKeeper && !cell.querySelector(".kept")) cell.append(make("span", { className: "kept", textContent: "keep" }));
  if (!isKeeper) cell.querySelector(".kept")?.remove();
}

function chipsOf(group) {
  const chips = [], gone = removalsOf(group).length, doomed = doomedOf(group).length;
  const suggestion = suggestions.get(group.number);
  const chip = (textContent, kind = "") => chips.push(make("span", { className: `chip ${kind}`, textContent }));
  if (gone) chip(`−${gone}`, "bad");
  if (kept.has(group.number)) chip("side by side", "good");
  if (suggestion?.burst) chip("burst", "warn");
  else if (suggestion && suggestion.keeper === null) chip(suggestion.reason.startsWith("a tie") ? "tie" : "yours");
  if (!gone && doomed && !kept.has(group.number)) chip(`−${doomed} suggested`);
  if (group.copies.some((copy) => copy.damaged && isLeft(copy))) chip("damaged", "warn");
  if (seen.has(group.number)) chip("seen");
  return chips;
}

function spoken(group) {
  const gone = removalsOf(group).length, suggestion = suggestions.get(group.number);
  const about = [`Group ${group.number}`, counted(group.copies.length, "picture"), bytes(sizeOf(group))];
  if (gone) about.push(`${gone} removed`);
  if (kept.has(group.number)) about.push("kept side by side");
  if (suggestion) about.push(`${suggestion.keeper === null ? "no" : "a"} suggestion: ${suggestion.reason}`);
  return `${about.join(", ")}; ${base(group.copies[0].path)}`;
}
