// How the pictures of a group are joined: by links between two, and through others.

import { copies, letterOf } from "./result.js";
import { listed } from "./words.js";

const CLOSE = 12; // bits: surely the same
const MOST_JOINED = 3; // that are said of a group

export function linkInWords(group, link) {
  const pair = `${letterOf(group, link.left)}–${letterOf(group, link.right)}`, alike = link.correlation.toFixed(2);
  if (link.view === "embedding") return `Needs a look: only the network joins ${pair} (cosine ${alike})`;
  if (link.view === "points") return `Weakest link: ${pair}, by ${Math.round(link.correlation * 100)} % of the points where they overlap (P)`;
  return `Weakest link: ${pair}, ${link.view}, ${link.distance} bits, correlation ${alike}`;
}

// Pictures that the links join to another one only through others, by a link that is not close.
export function joinedThrough(group, from) {
  const shown = [];
  for (const { number } of group.copies) {
    const way = number === from ? null : wayBetween(group, from, number);
    if (!way || way.length < 3 || shown.length >= MOST_JOINED) continue;
    if (linksOn(group, way).every((one) => one.distance <= CLOSE)) continue;
    const through = way.slice(1, -1).map((place) => letterOf(group, place)).join(", ");
    shown.push(`${letterOf(group, from)} and ${letterOf(group, number)} only through ${through}`);
  }
  return shown;
}

// How far a picture is from the one that is kept.
export function apart(group, number, keeper) {
  if (keeper === null || keeper === undefined) return "";
  if (number === keeper) return "itself";
  if (digestOf(number) === digestOf(keeper)) return "identical file";
  const way = wayBetween(group, number, keeper);
  if (!way) return "";
  const through = way.slice(1, -1).map((place) => letterOf(group, place));
  if (through.length > 1) return `through ${listed(through)}`;
  const text = linksOn(group, way).map(stepInWords).join(" + ");
  return through.length ? `${text}, through ${through[0]}` : text;
}

const stepInWords = (link) => `${link.distance} bits${link.view === "whole" ? "" : ` (${link.view})`}`;
const digestOf = (number) => copies[number].digest;

function linksOn(group, way) {
  const pair = (a, b) => [digestOf(a), digestOf(b)].sort().join();
  const link = (a, b) => group.links.find((one) => pair(one.left, one.right) === pair(a, b));
  return way.slice(1).map((place, step) => link(way[step], place)).filter(Boolean);
}

// The shortest way over links; identical files are as one.
function wayBetween(group, from, to) {
  const ways = [[from]], known = new Set([from]);
  while (ways.length) {
    const way = ways.shift(), last = way.at(-1);
    if (last === to) return way;
    if (digestOf(last) === digestOf(to)) return [...way.slice(0, -1), to];
    for (const there of neighboursOf(group, last)) {
      if (!known.has(there)) { known.add(there); ways.push([...way, there]); }
    }
  }
  return null;
}

function* neighboursOf(group, number) {
  for (const { left, right } of group.links) {
    if (digestOf(left) === digestOf(number)) yield right;
    if (digestOf(right) === digestOf(number)) yield left;
  }
}
