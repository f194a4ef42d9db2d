// What is suggested for the open group, and what one should know before one decides.

import { joinedThrough, linkInWords } from "./links.js";
import { $, make } from "./nodes.js";
import { EDITED, MOVED, NO_FILE, REMOVED, THERE, areIdentical, copies, damageOf, facts, isGone, isLeft, kept, keeperOf, letterOf, originalOf } from "./result.js";
import { protectionOf, result, stateOf, suggestions, together } from "./result.js";
import { chooseYourself } from "./states.js";
import { view } from "./view.js";
import { allOf, bytes, listed } from "./words.js";

export function showVerdict() {
  const isKept = kept.has(view.open.number);
  const suggestion = isKept ? undefined : suggestions.get(view.open.number);
  const notes = [...warnings(view.open, suggestion), ...hints(view.open), ...shotsOf(view.open, suggestion)];
  const room = [...(isKept ? [] : suggestionParts(suggestion)), ...keepingParts(isKept)];
  if (suggestion?.keeper === null) room.push(...chooseYourself(view.open.number));
  if (notes.length) room.push(make("div", { className: "notes" }, ...notes.map(chip)));
  $("verdict").replaceChildren(...room);
}

const chip = ([textContent, kind = ""]) => make("span", { className: `chip ${kind}`, textContent });

function suggestionParts(suggestion) {
  if (!suggestion) return [make("span", { className: "muted", textContent: "Judging …" })];
  if (suggestion.keeper === null) return noSuggestion(suggestion);
  return [sentenceOf(suggestion), acceptButton(suggestion)];
}

// What a person can say of the whole group, or has said.
function keepingParts(isKept) {
  const title = "Key K: this group belongs side by side, and find leaves it out from now on";
  const button = make("button", { id: "keep-group", title, textContent: isKept ? "Forget that" : "Keep all" });
  if (view.open.copies.some((copy) => stateOf(copy) === REMOVED)) { // as the server refuses it
    Object.assign(button, { disabled: true, title: "Only where no copy is removed: restore them first" });
  }
  if (!isKept) return [button];
  if (!button.disabled) button.title = "Key B: find shows this group again";
  return [make("span", { textContent: "Belongs side by side: find leaves it out from now on." }), button];
}

const noSuggestion = ({ reason }) => [make("span", { textContent: `No suggestion: ${reason}.` })];

function acceptButton(suggestion) {
  const done = suggestion.removals.every(([number, keeper]) => isGone(copies[number]) && result.states[keeper] === THERE);
  const accept = make("button", { id: "accept", textContent: done ? "Accepted" : "Accept", disabled: done });
  if (!done) accept.className = "primary";
  return accept;
}

// What is kept and what is given up for it; of several pictures each with its own keeper.
function sentenceOf(suggestion) {
  const byKeeper = new Map([[suggestion.keeper, []]]), name = (number) => letterOf(view.open, number);
  for (const [number, keeper] of suggestion.removals) byKeeper.set(keeper, [...(byKeeper.get(keeper) ?? []), number]);
  const sentence = make("span", {}, "Suggestion: ");
  for (const [keeper, doomed] of byKeeper) {
    const isOfShot = suggestion.shots.some((shot) => shot.includes(keeper) && shot.includes(suggestion.keeper));
    if (keeper !== suggestion.keeper) sentence.append(isOfShot ? " With it " : " Of another picture ");
    sentence.append("keep ", make("b", { textContent: name(keeper) }));
    if (keeper === suggestion.keeper) sentence.append(`: ${suggestion.reason}`);
    const names = doomed.sort((a, b) => a - b).map(name);
    sentence.append(`${keeper === suggestion.keeper ? ". Give" : ", give"} up ${listed(names)}.`);
  }
  return sentence;
}

function warnings(group, suggestion) {
  const notes = [], warn = (text) => notes.push([text, "warn"]), name = (number) => letterOf(group, number);
  const isAny = (state) => group.copies.some((copy) => stateOf(copy) === state);
  for (const [number, keeper, , loses] of suggestion?.removals ?? []) {
    if (loses.length) warn(`Only ${name(number)} has ${loses.join(", ")}; ${name(keeper)} has not`);
  }
  for (const copy of group.copies) {
    if (isGone(copy) && protectionOf(copy)) warn(`The original of ${name(copy.number)} stays: ${protectionOf(copy)}`);
  }
  for (const copy of group.copies) if (damageOf(copy)) warn(`${name(copy.number)} is damaged: ${damageOf(copy)}`);
  for (const copy of group.copies) {
    if (isLeft(copy) && originalOf(copy) === false) warn(`The original of ${name(copy.number)} is gone, or was changed since find: no rule gives up another picture for it`);
  }
  if (suggestion?.burst && !suggestion.reason.startsWith("a burst")) warn("A burst, or it may be one: shots seconds apart");
  if (isAny(MOVED)) warn("A copy was moved or renamed: its original stays");
  if (isAny(NO_FILE)) warn("A folder or a link lies in a copy's place");
  if (!group.copies.some(isLeft)) warn("No copy is left: the originals stay, unless check-deleted is told --allow-whole-groups");
  if (isAny(EDITED)) warn("A copy was edited since find; it is left as it is");
  return notes;
}

function hints(group) {
  const notes = [], weakest = group.links.at(-1);
  if (!kept.has(group.number)) for (const one of together.get(group.number) ?? []) notes.push([keptBefore(group, one)]);
  if (new Set(group.copies.map((copy) => copy.digest)).size === 1) notes.push([identicalInWords(group), "good"]);
  for (const text of joinedThrough(group, keeperOf(group) ?? group.copies[0].number)) notes.push([text]);
  if (weakest && !areIdentical(group)) notes.push([linkInWords(group, weakest)]);
  return notes;
}

function identicalInWords(group) {
  const [first] = group.copies, known = facts.get(group.number)?.[first.number];
  const about = !known || known.unseen ? "" : `: ${known.width} × ${known.height}, ${known.format}`;
  return `All ${group.copies.length} files are identical${about}, ${bytes(first.size)} each`;
}

// Which pictures of a group were kept side by side before find, and which not.
function keptBefore(group, { members, day }) {
  const names = (copies) => allOf(copies.map((copy) => letterOf(group, copy.number)));
  const old = group.copies.filter((copy) => members.includes(copy.number));
  const others = group.copies.filter((copy) => !members.includes(copy.number));
  return `${names(old)} were kept side by side on ${day}${others.length ? `, without ${names(others)}` : ""}`;
}

// Which pictures are a RAW and its JPEG, where both are there again.
function shotsOf(group, suggestion) {
  const pairs = (suggestion?.shots ?? []).map((shot) => shot.map((number) => letterOf(group, number)).join(" + "));
  return pairs.length ? [[`RAW and JPEG of one shot, both doubled: ${pairs.join(", ")}`]] : [];
}
