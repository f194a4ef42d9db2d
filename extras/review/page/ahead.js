// What is fetched while somebody looks at a group: the pictures of those that come next.

import { fetchAhead } from "./ready.js";
import { isGone, keeperOf, learn } from "./result.js";
import { panesOf } from "./shapes.js";
import { FILTERS, view } from "./view.js";

const GROUPS = 2;
const THUMBS = 24; // of one group
const STILL = 150; // milliseconds

let timer = 0;

// The groups that A or the arrow goes to.
function comingGroups() {
  const { list, at, open } = view, found = [];
  for (let step = open ? 1 : 0; step < list.length && found.length < GROUPS; step += 1) {
    const group = list[(at + step) % list.length];
    if (step <= 1 || FILTERS.unreviewed(group)) found.push(group);
  }
  return found;
}

// Once nobody has moved for a moment.
export function fetchSoon() {
  clearTimeout(timer);
  timer = setTimeout(fetchComing, STILL);
}

export async function fetchComing() {
  const { at, list } = view, isStill = () => view.list === list && view.at === at;
  for (const group of comingGroups()) {
    if (!isStill()) return;
    await fetchGroup(group).catch(() => {}); // whoever opens it is told
  }
}

async function fetchGroup(group) {
  const thumbs = group.copies.slice(0, THUMBS).map((copy) => fetchAhead("thumb", copy));
  await learn(group);
  const { chosen, reference } = beginningOf(group);
  await Promise.all(panesOf(group.copies.length, chosen, reference).map((place) => fetchAhead("preview", group.copies[place])));
  await Promise.all(thumbs);
}

// What a group's others are compared with, and the picture after it, which is looked at first.
export function beginningOf(group) {
  const keeper = group.copies.findIndex((copy) => copy.number === keeperOf(group)), { length } = group.copies;
  if (keeper >= 0) return { reference: keeper, chosen: length > 1 ? (keeper + 1) % length : 0 };
  return { reference: Math.max(0, group.copies.findIndex((copy) => !isGone(copy))), chosen: 0 };
}
