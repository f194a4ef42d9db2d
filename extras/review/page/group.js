// One group: opened and closed, its pictures compared, one of them chosen.

import { ask, show } from "./calls.js";
import { goTo, refreshGrid, relist } from "./grid.js";
import { showHeader } from "./header.js";
import { $ } from "./nodes.js";
import { say, sayError } from "./notices.js";
import { dressPoints } from "./points.js";
import { MISSING, editionOf, facts, isGone, keeperOf, learn, seen, stateOf, turns } from "./result.js";
import { Stage } from "./stage.js";
import { dressStrip, focusChosen, makeStrip, scrollStrip } from "./strip.js";
import { markColumn, showTable } from "./table.js";
import { showVerdict } from "./verdict.js";
import { FILTERS, looksOfOpen, view } from "./view.js";
import { counted, letter } from "./words.js";

export const stage = new Stage($("stage"), {
  pick: (number) => choose(placeOf(number)),
  split: (split) => { $("split").value = split; },
  zoom: (scale) => { if (view.open) $("zoom-level").textContent = `${Math.round(scale * 100)} %`; },
});
let drawn = ""; // how the group looked when the stage was built

// ---- Opening and closing

export function openGroup(position, remember = true) {
  const group = view.list[position];
  if (!group) return;
  if (remember) history[view.open ? "replaceState" : "pushState"]({ group: group.number }, "", `#${group.number}`);
  Object.assign(view, { at: position, open: group, chosen: 0 });
  $("grid-view").hidden = true;
  $("group-view").hidden = $("back").hidden = false;
  $("group-view").scrollTop = 0;
  noteSeen(group);
  makeStrip();
  $("table-room").replaceChildren();
  stage.clear();
  showHeader();
  dressGroup();
  if (!$("group-view").contains(document.activeElement)) focusChosen();
  $("live").textContent = `Group ${group.number}, ${counted(group.copies.length, "picture")}`;
  learn(group).then(() => { if (view.open === group) beginWith(group, position); }, sayError);
}

function noteSeen(group) {
  if (seen.has(group.number)) return;
  seen.add(group.number);
  ask("/api/seen", { groups: [group.number] }).catch(sayError);
}

// The picture after the one to keep is looked at first.
function beginWith(group, position) {
  const keeper = placeOf(keeperOf(group)), next = view.list[position + 1];
  choose(keeper >= 0 && group.copies.length > 1 ? (keeper + 1) % group.copies.length : 0);
  if (next) learn(next).catch(() => {});
}

export function closeGroup() {
  view.open = null;
  stage.clear();
  $("group-view").hidden = $("back").hidden = true;
  $("grid-view").hidden = false;
  relist();
  goTo(view.at);
  showHeader();
  refreshGrid();
}

export function move(step) {
  if (view.list[view.at + step]) openGroup(view.at + step);
  else say(step > 0 ? "This is the last group." : "This is the first group.");
}

export function nextUnreviewed() {
  const { list, at, open } = view;
  const next = [...list.slice(open ? at + 1 : at), ...list.slice(0, at)].find(FILTERS.unreviewed);
  if (next) openGroup(list.indexOf(next));
  else say("Every group that is shown has been looked at.");
}

// ---- Looking at it

const placeOf = (number) => view.open.copies.findIndex((copy) => copy.number === number);

export function choose(position) {
  view.chosen = Math.max(0, Math.min(view.open.copies.length - 1, position));
  showStage();
  dressGroup();
  focusChosen();
  scrollStrip();
}

export function dressGroup() {
  dressStrip();
  showVerdict();
  showTable();
  markColumn();
  dressPoints();
  if (drawn !== looksOfOpen()) { drawn = looksOfOpen(); showStage(); }
}

export function showStage() {
  const known = facts.get(view.open.number);
  if (!known) return;
  stage.show({
    chosen: view.chosen,
    reference: reference(),
    turns: turns.get(view.open.number) ?? [],
    pictures: view.open.copies.map((copy, position) => ({
      number: copy.number,
      edition: editionOf(copy),
      show: (image, kind) => show(image, kind, copy.number),
      letter: letter(position),
      gone: MISSING[stateOf(copy)],
      ...known[copy.number],
    })),
  });
}

// The place of the picture that others are compared with.
function reference() {
  const keeper = placeOf(keeperOf(view.open));
  return keeper >= 0 ? keeper : Math.max(0, view.open.copies.findIndex((copy) => !isGone(copy)));
}
