// The result as the server has told it: its groups, what has become of their copies, and what is
// known and suggested of them. The folders are the state: it is read back from them.

import { ask } from "./calls.js";
import { commonFolder, letter } from "./words.js";

export const THERE = "t", EDITED = "e", MOVED = "m", NO_FILE = "o", REMOVED = "g";
export const MISSING = { [REMOVED]: "removed", [MOVED]: "moved", d: "deleted" }; // moved, and its original too
const FACTS_KEPT = 60; // groups

export const groups = []; // in the order of their numbers
export const byNumber = new Map();
export const copies = [];
export const facts = new Map(); // of the groups that were opened last
const learning = new Map(); // what is under way
export const suggestions = new Map();
export const turns = new Map(); // how versions of one picture are turned against each other
export const seen = new Set();
export const kept = new Set(); // groups that belong side by side, by their numbers
export const together = new Map(); // what of a group was kept side by side before find: numbers, day
export const result = {
  run: "",
  rules: [],
  folders: [], // that tell pictures of groups apart: path, number of groups
  prefer: [], // the places among them of those that were named with --prefer
  sample: false, // whether it shows objects, of which nothing is chosen here
  commands: {}, // by action, what to type in a terminal to go on
  states: "", // a letter for each copy
  editions: {}, // what tells the contents of edited copies apart
  told: 0, // suggestions
  judged: false,
  root: "", // the folder that all originals lie in
};

// Takes in the answer of /api/groups.
export function fill(answer) {
  Object.assign(result, { rules: answer.rules, folders: answer.folders, prefer: answer.prefer });
  result.run = answer.run;
  result.commands = answer.commands;
  result.sample = answer.sample;
  for (const number of answer.seen) seen.add(number);
  for (const number of answer.kept) kept.add(number);
  for (const [number, members, day] of answer.together) {
    together.set(number, [...(together.get(number) ?? []), { members, day }]);
  }
  for (const one of answer.groups) addGroup(one);
  result.root = commonFolder(copies.map((copy) => copy.path));
}

function addGroup(one) {
  const copyOf = ([number, path, size, mtime, digest, damaged]) => (
    { number, path, size, mtime, digest, damaged, group: one.group });
  const linkOf = ([left, right, view, distance, correlation]) => (
    { left, right, view, distance, correlation });
  const group = { number: one.group, copies: one.copies.map(copyOf), links: one.links.map(linkOf) };
  for (const copy of group.copies) copies[copy.number] = copy;
  groups.push(group);
  byNumber.set(group.number, group);
}

// Gets the facts of a group, unless they are here or under way.
export function learn(group) {
  if (facts.has(group.number)) return Promise.resolve();
  const key = `${group.number} ${contentsOf(group)}`;
  if (!learning.has(key)) learning.set(key, learnAnew(group).finally(() => learning.delete(key)));
  return learning.get(key);
}

async function learnAnew(group) {
  const asked = contentsOf(group);
  const answer = await ask(`/api/facts/${group.number}`);
  if (contentsOf(group) !== asked) { await learn(group); return; } // a copy was edited meanwhile
  facts.set(group.number, answer.facts);
  turns.set(group.number, answer.turns);
  suggestions.set(group.number, answer.suggestion);
  putInTime(answer.suggestion);
  if (facts.size > FACTS_KEPT) facts.delete(facts.keys().next().value);
}

const contentsOf = (group) => group.copies.map((copy) => editionOf(copy)).join();

// Puts the pictures of a burst in order of time; whether that changed anything.
export function putInTime({ group: number, in_time: order = [] }) {
  const group = byNumber.get(number), places = new Map(order.map((one, place) => [one, place]));
  const placeOf = (copy) => places.get(copy.number) ?? order.length;
  const isOrdered = group.copies.every((copy, place) => !place || placeOf(group.copies[place - 1]) <= placeOf(copy));
  if (!isOrdered) group.copies.sort((a, b) => placeOf(a) - placeOf(b) || a.number - b.number);
  return !isOrdered;
}

// ---- Of a copy

export const stateOf = (copy) => result.states[copy.number];
export const editionOf = (copy) => result.editions[copy.number] ?? "";
export const isGone = (copy) => stateOf(copy) in MISSING;
export const isLeft = (copy) => stateOf(copy) === THERE || stateOf(copy) === EDITED;
// Of what lies there now, once it was looked at.
export const protectionOf = (copy) => facts.get(copy.group)?.[copy.number]?.protected;
export const originalOf = (copy) => facts.get(copy.group)?.[copy.number]?.original; // whether it is what find saw
export const damageOf = (copy) => facts.get(copy.group)?.[copy.number]?.damage;
export const short = (path) => path.startsWith(result.root) ? path.slice(result.root.length) : path;

// ---- Of a group

// Where all are kept side by side, none is before the others.
export const keeperOf = (group) => (kept.has(group?.number) ? undefined : suggestions.get(group?.number)?.keeper);
export const removalsOf = (group) => group.copies.filter(isGone);
export const sizeOf = (group) => group.copies.reduce((sum, copy) => sum + copy.size, 0);
export const letterOf = (group, number) => letter(group.copies.findIndex((copy) => copy.number === number));

// Whether there is nothing to compare but names and folders.
export function areIdentical(group) {
  const [first, ...others] = group.copies;
  return others.length > 0 && others.every((copy) => copy.digest === first.digest) && group.copies.every((copy) => !editionOf(copy));
}

// What the suggestion would still remove.
export function doomedOf(group) {
  const isThere = (number) => result.states[number] === THERE;
  const removals = suggestions.get(group.number)?.removals ?? [];
  return removals.filter(([number, keeper]) => isThere(number) && isThere(keeper));
}
