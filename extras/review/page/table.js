// The table of a group's pictures: what is known of each, the best and the worse marked.

import { isBurst, sharpestFirst } from "./burst.js";
import { apart, showsNumbers } from "./links.js";
import { $, make } from "./nodes.js";
import { markedPaths } from "./paths.js";
import { severalPicked } from "./picking.js";
import { EDITED, MISSING, NO_FILE, areIdentical, facts, isGone, keeperOf, letterOf, stateOf } from "./result.js";
import { looksOfOpen, view } from "./view.js";
import { bytes, letter } from "./words.js";

// title; text of the facts; value by which they are compared (no shot of a burst is worse for being
// later; sharpness says something at one size alone); how many times one must be another to be
// better; whether there is anything to show
const ROWS = [
  ["Pixels", (f) => `${f.width} × ${f.height}`, (f) => f.pixels],
  ["Format", (f) => f.format + (f.lossless ? ", lossless" : f.format === "RAW" ? ", its preview is shown" : ""), (f) => Number(f.lossless)],
  ["Compression", compression, (f) => f.few_colours ? 0 : f.lossless ? 101 : f.quality],
  ["Bytes", (f) => bytes(f.size)],
  ["Taken", (f) => (f.taken || "–").slice(0, 19), (f, isOfBurst) => f.taken && !isOfBurst ? -Date.parse(f.taken.slice(0, 19).replace(" ", "T")) : null],
  ["Camera", (f) => f.camera || "–"],
  ["GPS", (f) => f.gps ? "yes" : "no", (f) => Number(f.gps)],
  ["Sharpness", (f) => f.sharpness.toFixed(1), (f, _, compared) => compared?.has(f) ? f.sharpness : null, 1.1],
  ["Rating", (f) => f.rating ? "★".repeat(Math.min(5, f.rating)) : "–", (f) => f.rating, 1, (f) => f.rating],
  ["Damage", (f) => f.damage || "–", (f) => f.damage ? 0 : 1, 1, (f) => f.damage],
  ["Protected", (f) => f.protected ? "yes" : "no", undefined, 1, (f) => f.protected],
  ["Its copy", (f) => f.preview ? "a preview" : "whole", undefined, 1, (f) => f.preview],
  ["Beside it", (f) => f.beside.map((line) => line.replace(" beside it: ", " ")).join("; ") || "–", undefined, 1, (f) => f.beside.length],
  ["Holds", (f) => f.holds.join("; ") || "–", undefined, 1, (f) => f.holds.length],
];

const sidesOf = (f) => (f.width < f.height ? [f.width, f.height] : [f.height, f.width]).join();

// The pictures of the size of most; of sizes of equally many the larger.
function ofCommonSize(all) {
  const bySides = new Map();
  for (const one of all) if (!one.unseen) bySides.set(sidesOf(one), [...(bySides.get(sidesOf(one)) ?? []), one]);
  const before = (a, b) => b.length - a.length || b[0].pixels - a[0].pixels;
  return [...bySides.values()].sort(before)[0] ?? [];
}

// Whose sharpness is compared: the shots of a burst, or else pictures of one size.
function comparedBySharpness(open, all) {
  if (!isBurst(open)) return new Set(ofCommonSize(all));
  return new Set(sharpestFirst(open).flat().map((copy) => facts.get(open.number)[copy.number]));
}

function compression(f) {
  if (f.few_colours) return "few colours";
  if (f.lossless) return "none";
  if (f.format === "RAW") return "the camera's"; // what its preview lost isn't lost in it
  return f.quality ? `JPEG quality ${f.quality}` : "lossy";
}

export function showTable() {
  const { open } = view, known = facts.get(open.number), room = $("table-room"), key = [looksOfOpen(), showsNumbers(), isBurst(open)].join();
  if (!known || (room.firstChild && room.dataset.key === key)) return;
  room.dataset.key = key;
  const all = open.copies.map((copy) => known[copy.number]);
  const head = make("tr", {}, make("td"), ...open.copies.map(headCell));
  const body = make("tbody", {}, ...(areIdentical(open) ? rowsThatDiffer(all) : allRows(open, all)));
  room.replaceChildren(...(body.children.length ? [make("table", {}, make("thead", {}, head), body)] : []));
  markColumn();
}

function allRows(open, all) {
  const compared = comparedBySharpness(open, all), rows = [row("Path", pathCells(open.copies.map((copy) => copy.path)))];
  for (const [title, text, value, margin = 1, rare] of ROWS) {
    if (rare && all.every((one) => one.unseen || !rare(one))) continue;
    rows.push(row(title, marked(all, text, value && ((one) => value(one, isBurst(open), compared)), margin)));
  }
  if (open.links.length) rows.push(distances(open));
  return rows;
}

// Of identical files, whose paths stand in the list, what lies beside them, say.
function rowsThatDiffer(all) {
  const texts = (text) => all.map((one) => (one.unseen ? "?" : text(one)));
  const differing = ROWS.filter(([, text]) => new Set(texts(text)).size > 1);
  return differing.map(([title, text, value, margin = 1]) => row(title, marked(all, text, value, margin)));
}

function headCell(copy, position) {
  const cell = make("th", { scope: "col", textContent: letter(position) }), state = stateOf(copy);
  const chip = (textContent, kind) => cell.append(" ", make("span", { className: `chip ${kind}`, textContent }));
  if (copy.number === keeperOf(view.open)) chip("keep", "good");
  if (isGone(copy)) chip(MISSING[state], "bad");
  if (state === NO_FILE) chip("no file", "warn");
  if (state === EDITED) chip("edited", "warn");
  return cell;
}

function row(title, cells) {
  return make("tr", {}, make("th", { scope: "row", textContent: title }), ...cells);
}

function distances(group) {
  const keeper = keeperOf(group) ?? group.copies[0].number;
  const cell = (copy) => make("td", { textContent: apart(group, copy.number, keeper) || "–" });
  return row(`${showsNumbers() ? "From" : "Like"} ${letterOf(group, keeper)}`, group.copies.map(cell));
}

function marked(all, text, value, margin) {
  const isKnown = (one) => one !== null && one !== undefined;
  const values = all.map((one) => one.unseen || !value ? null : value(one)), real = values.filter(isKnown);
  const most = Math.max(...real), least = Math.min(...real);
  const differ = real.length > 1 && (margin > 1 ? least * margin < most : least < most);
  return all.map((one, place) => {
    if (one.unseen) return make("td", { className: "muted", textContent: "?" });
    const mine = values[place], good = margin > 1 ? mine * margin >= most : mine === most;
    const className = differ && isKnown(mine) ? (good ? "best" : "worse") : "";
    return make("td", {}, make("span", { className, textContent: text(one) }));
  });
}

function pathCells(paths) {
  return markedPaths(paths).map((nodes, place) => make("td", { className: "path", title: paths[place] }, ...nodes));
}

// The chosen picture's column, in sight beside the titles.
export function markColumn() {
  const room = $("table-room");
  if (room.querySelector(".by-rows")) return; // rows are marked there
  for (const line of room.querySelectorAll("tr")) {
    [...line.children].forEach((cell, place) => {
      cell.classList.toggle("chosen", place === view.chosen + 1);
      cell.classList.toggle("picked", severalPicked().includes(place - 1));
    });
  }
  const cell = room.querySelector("thead .chosen"), titles = room.querySelector("tbody th");
  if (!cell || !titles) return;
  const left = cell.offsetLeft - titles.offsetWidth - 16, right = cell.offsetLeft + cell.offsetWidth + 16;
  if (left < room.scrollLeft) room.scrollLeft = left;
  else if (right > room.scrollLeft + room.clientWidth) room.scrollLeft = right - room.clientWidth;
}
