// Which groups are shown, in what order, and where somebody is among them.

import { copies, editionOf, groups, kept, keeperOf, removalsOf, seen, stateOf, suggestions } from "./result.js";

export const view = {
  list: [], // the groups that are shown
  at: 0, // the place in that list
  open: null,
  chosen: 0, // the place of a picture in the open group
  picked: new Set(), // the places of those that a key is about, if they are several
  anchor: 0, // where a row of picked ones begins
};

export const FILTERS = {
  all: () => true,
  unreviewed: (group) => !seen.has(group.number) && FILTERS.undecided(group),
  undecided: (group) => !kept.has(group.number) && !removalsOf(group).length,
  removals: (group) => removalsOf(group).length > 0,
  kept: (group) => kept.has(group.number),
};

const ORDERS = {
  number: (group) => group.number,
  gain: (group) => -gain(group),
  certain: (group) => -certainty(group),
  uncertain: certainty,
  path: (group) => group.copies[0].path,
  date: (group) => suggestions.get(group.number)?.taken || written(group),
};

function gain(group) {
  const removals = suggestions.get(group.number)?.removals ?? [];
  return removals.reduce((sum, [number]) => sum + copies[number].size, 0);
}

function certainty(group) {
  if (!group.links.length) return 2;
  return Math.min(...group.links.map((link) => link.correlation - link.distance / 1000));
}

function written(group) {
  const first = Math.min(...group.copies.map((copy) => copy.mtime));
  return new Date(first * 1000).toISOString().replace("T", " ");
}

// Shows the groups of a filter in an order, and keeps the place at a group.
export function arrange(filter, sort, keep) {
  const key = ORDERS[sort];
  const keyed = groups.filter(FILTERS[filter]).map((group) => [key(group), group]);
  keyed.sort(([a, one], [b, other]) => (a < b ? -1 : a > b ? 1 : one.number - other.number));
  view.list = keyed.map(([, group]) => group);
  view.at = Math.max(0, view.list.indexOf(keep));
}

// Changes when what is drawn of the open group has to.
export function looksOfOpen() {
  const copiesNow = view.open.copies.map((copy) => stateOf(copy) + editionOf(copy)).join();
  return copiesNow + view.open.number + keeperOf(view.open);
}
