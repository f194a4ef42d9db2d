// How the pictures of a group are joined: by links between two, and through others.

import { isBurst } from "./burst.js";
import { copies, letterOf } from "./result.js";
import { recalled } from "./settings.js";
import { listed } from "./words.js";

const SAME = 4, SURE = 0.98; // bits, correlation: nothing to be seen
const CLOSE = 12; // bits: surely the same
const MOST_JOINED = 3; // that are said of a group

export const showsNumbers = () => recalled("numbers", "no") === "yes";

// How much alike two pictures are that a link joins.
function alikeness({ distance, correlation, view }) {
  const close = distance <= SAME && correlation >= SURE ? "nearly the same" : distance <= CLOSE ? "much the same" : "only roughly alike";
  return view === "whole" ? close : `${close}, ${view}`;
}

export function linkInWords(group, link) {
  const names = `${letterOf(group, link.left)} and ${letterOf(group, link.right)}`, number = (text) => (showsNumbers() ? text : "");
  const alike = link.correlation.toFixed(2), share = Math.round(link.correlation * 100);
  if (link.view === "embedding") return `Needs a look: only the network finds ${names} alike${number(` (cosine ${alike})`)}`;
  if (link.view === "points") return `${names} share details; P shows them${number(`: ${share} % of the points where they overlap`)}`;
  const start = group.copies.length > 2 ? `Least alike: ${names},` : `${names} are`;
  return `${start} ${alikeness(link)}${number(` (${link.distance} bits, correlation ${alike})`)}`;
}

// Pictures that the links join to another one only through others, by a link that is not close; in
// a burst each shot is like those before and after it, which is worth no word.
export function joinedThrough(group, from) {
  const shown = [];
  if (isBurst(group)) return shown;
  for (const { number } of group.copies) {
    const way = number === from ? null : wayBetween(group, from, number);
    if (!way || way.length < 3 || shown.length >= MOST_JOINED) continue;
    if (linksOn(group, way).every((one) => one.distance <= CLOSE)) continue;
    const through = way.slice(1, -1).map((place) => letterOf(group, place)).join(", ");
    shown.push(`${letterOf(group, from)} and ${letterOf(group, number)} only look alike through ${through}`);
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
  if (through.length && isBurst(group)) return "";
  if (through.length > 1) return `through ${listed(through)}`;
  if (through.length && !showsNumbers()) return `through ${through[0]}`;
  const text = linksOn(group, way).map(stepInWords).join(" + ");
  return through.length ? `${text}, through ${through[0]}` : text;
}

function stepInWords(link) {
  if (!showsNumbers()) return alikeness(link);
  return `${link.distance} bits${link.view === "whole" ? "" : ` (${link.view})`}`;
}

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
