// Bursts: their shots in order of time, ranked by sharpness. Faces are not judged.

import { $, make } from "./nodes.js";
import { copies, damageOf, facts, isLeft, result, suggestions } from "./result.js";
import { view } from "./view.js";
import { counted } from "./words.js";

export const PAGE = 8; // pictures of a large group in the strip at a time
const MOST_BEST = 3;
const WHY_OTHERS = "undated, of another size or time, or versions of a shot";

export const isBurst = (group) => Boolean(suggestions.get(group.number)?.burst);

// ---- What is one shot, and how sharp

const sharpnessOf = ([copy]) => facts.get(copy.group)?.[copy.number]?.sharpness ?? -1;

// The shots that can be ranked, each with its files, first the one by which it is judged.
function shotsOf(group) {
  const ranked = suggestions.get(group.number)?.ranked ?? [];
  return ranked.map((shot) => shot.map((number) => copies[number]));
}

// The shots of a burst, the sharpest first; without those that can't be judged.
export function sharpestFirst(group) {
  const judged = shotsOf(group).filter((shot) => sharpnessOf(shot) >= 0);
  const isWhole = (shot) => Number(!shot.some(damageOf));
  return judged.sort((a, b) => isWhole(b) - isWhole(a) || sharpnessOf(b) - sharpnessOf(a));
}

// What of a group is none of its ranked shots: no key for the sharpest removes it.
export function othersOf(group) {
  const judged = new Set(sharpestFirst(group).flat());
  return group.copies.filter((copy) => !judged.has(copy) && isLeft(copy));
}

export function ordinal(place) {
  const ending = place % 100 > 10 && place % 100 < 14 ? "th" : ["th", "st", "nd", "rd"][place % 10] ?? "th";
  return `${place}${ending}`;
}

// What a shot is by its sharpness, in words, by the number of each copy.
export function ranksOf(group) {
  const ranks = new Map();
  if (isBurst(group)) {
    sharpestFirst(group).forEach((shot, place) => {
      for (const copy of shot) ranks.set(copy.number, place ? `${ordinal(place + 1)} sharpest` : "sharpest");
    });
  }
  return ranks;
}

// ---- When

function momentOf(copy) {
  const taken = facts.get(copy.group)?.[copy.number]?.taken;
  if (!taken) return null;
  const [whole, fraction = "0"] = taken.split(".");
  return Date.parse(`${whole.replace(" ", "T")}Z`) / 1000 + Number(`0.${fraction}`);
}

const inSeconds = (seconds) => `${seconds.toFixed(seconds % 1 > 0.005 ? 1 : 0)} s`;

// How long after the first shot of its group a picture was taken, in words; of that the time of day.
function sinceFirst(copy, first) {
  const moment = momentOf(copy);
  if (moment === null || first === null) return "";
  return moment > first ? `+${inSeconds(moment - first)}` : facts.get(copy.group)[copy.number].taken.slice(11, 19);
}

// ---- On the page

// Dresses what only bursts and large groups have: ranks, what is kept of them by one key, and pages.
export function dressBurst() {
  const group = view.open, isOne = isBurst(group), pages = Math.ceil(group.copies.length / PAGE);
  $("burst").hidden = !isOne && pages < 2;
  for (const node of $("burst").querySelectorAll(".of-burst")) node.hidden = !isOne;
  if (isOne) dressWords(group);
  $("burst-pages").hidden = pages < 2;
  const first = view.chosen - (view.chosen % PAGE), last = Math.min(first + PAGE, group.copies.length);
  $("burst-page").textContent = `${first + 1} to ${last} of ${group.copies.length}`;
  $("burst-before").disabled = first === 0;
  $("burst-after").disabled = last === group.copies.length;
  $("strip").classList.toggle("paged", pages > 1);
  const isOnPage = (place) => pages < 2 || (place >= first && place < last);
  [...$("strip").children].forEach((one, place) => { one.hidden = !isOnPage(place); });
  if (isOne) dressRanks(group);
}

function dressWords(group) {
  if (!facts.has(group.number)) return; // they are on their way
  const shots = sharpestFirst(group), count = shots.length, others = othersOf(group).length;
  const moments = shots.map(([copy]) => momentOf(copy)).filter((moment) => moment !== null);
  const time = moments.length > 1 ? ` in ${inSeconds(Math.max(...moments) - Math.min(...moments))}` : "";
  $("burst-words").textContent = count > 1 ? `${counted(count, "shot")}${time}` : "No shots to compare";
  $("burst-others").textContent = count > 1 && others ? `${counted(others, "other picture")} ${others > 1 ? "stay" : "stays"}: ${WHY_OTHERS}.` : "";
  for (const button of $("burst").querySelectorAll("[data-best]")) button.disabled = Number(button.dataset.best) >= count;
}

function dressRanks(group) {
  if (!facts.has(group.number)) return; // they are on their way
  const ranks = ranksOf(group), first = momentOf(group.copies[0]);
  [...$("strip").children].forEach((one, place) => {
    const copy = group.copies[place], rank = ranks.get(copy.number) ?? "not judged";
    let line = one.querySelector(".rank");
    if (!line) one.querySelector(".pick").after(line = make("span", { className: "rank" }));
    if (line.dataset.words === rank) return;
    line.dataset.words = rank;
    line.replaceChildren(make("b", { textContent: rank.replace(/(\d\w+) sharpest/, "$1") }), ` ${sinceFirst(copy, first)}`);
    line.classList.toggle("top", rank === "sharpest");
    line.setAttribute("title", rank);
  });
}

// What is to be kept and to go, for the sharpest shots to be kept; nothing where there are no more.
// Of a shot's identical files those go that the rules give up for another one of it.
export function bestOf(group, count) {
  const shots = sharpestFirst(group);
  if (count > MOST_BEST || shots.length <= count) return null;
  const keepers = new Map((suggestions.get(group.number)?.removals ?? []).map(([number, keeper]) => [number, keeper]));
  const isDoubled = (shot, copy) => shot.some(({ number }) => number === keepers.get(copy.number));
  const kept = shots.slice(0, count).flatMap((shot) => shot.filter((copy) => !isDoubled(shot, copy)));
  const staying = new Set(kept);
  return { kept, rest: shots.flat().filter((copy) => !staying.has(copy) && result.states[copy.number] === "t") };
}
