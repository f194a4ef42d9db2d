// One group: opened and closed, its pictures compared, one of them chosen.

import { beginningOf, fetchComing } from "./ahead.js";
import { dressBurst } from "./burst.js";
import { show } from "./calls.js";
import { goTo, refreshGrid, relist } from "./grid.js";
import { showHeader } from "./header.js";
import { $ } from "./nodes.js";
import { say, sayError } from "./notices.js";
import { goToPicture, pickAll, pickAlone, pickAlso, severalPicked } from "./picking.js";
import { dressPoints } from "./points.js";
import { dressReach } from "./reach.js";
import { giveBack, take } from "./ready.js";
import { MISSING, areIdentical, editionOf, facts, learn, stateOf, turns } from "./result.js";
import { dressRows } from "./rows.js";
import { noteSeen } from "./seeing.js";
import { MOST_PANES } from "./shapes.js";
import { Stage } from "./stage.js";
import { whyUnseen } from "./states.js";
import { dressStrip, focusChosen, isReordered, makeStrip, scrollStrip, sizeByThumb, standIn } from "./strip.js";
import { markColumn, showTable } from "./table.js";
import { showVerdict } from "./verdict.js";
import { FILTERS, looksOfOpen, view } from "./view.js";
import { counted, letter } from "./words.js";

export const stage = new Stage($("stage"), {
  pick: (number) => choose(placeOf(number)),
  split: (split) => { $("split").value = split; },
  zoom: (scale) => { if (view.open) $("zoom-level").textContent = facts.has(view.open.number) ? `${Math.round(scale * 100)} %` : ""; },
});
const NAMED = 6; // identical files by their letters
const COMING = { unseen: "coming" }; // of which not even the thumbnail is here

let drawn = ""; // how the group looked when the stage was built
let begun = {}; // the group that was opened and waits for its facts, and the number of its picture that was chosen then

// ---- Opening and closing

export function openGroup(position, remember = true) {
  const group = view.list[position];
  if (!group) return;
  leave(group);
  if (remember) history[view.open ? "replaceState" : "pushState"]({ group: group.number }, "", `#${group.number}`);
  Object.assign(view, { at: position, open: group });
  const { chosen } = beginningOf(group);
  begun = { group, number: group.copies[chosen].number };
  pickAlone(chosen);
  $("grid-view").hidden = true;
  $("group-view").hidden = $("back").hidden = false;
  $("group-view").scrollTop = 0;
  $("group-view").classList.toggle("identical", areIdentical(group));
  fillStrip();
  $("table-room").replaceChildren();
  stage.clear();
  showHeader();
  drawn = ""; // the stage is empty
  dressGroup();
  if (!$("group-view").contains(document.activeElement)) focusChosen();
  $("live").textContent = `Group ${group.number}, ${counted(group.copies.length, "picture")}`;
  learn(group).then(() => { if (view.open === group) beginWith(group); }, sayError);
}

// A group counts as looked at when somebody leaves it: who stops at one meets it next time.
function leave(next) {
  if (view.open && view.open !== next) noteSeen(view.open.number);
}

function beginWith(group) {
  const areSeveral = severalPicked().length > 0;
  followOrder();
  const isPicked = areSeveral || group.copies[view.chosen].number !== begun.number;
  begun = {};
  if (isPicked) showPicked(); // somebody was faster
  else choose(beginningOf(group).chosen);
  stage.settled().then(() => { if (view.open === group) fetchComing(); });
}

// Once pictures have another order the strip has it, too, and what was picked still is.
export function followOrder() {
  if (!isReordered()) return;
  const number = Number($("strip").children[view.chosen].dataset.number);
  fillStrip();
  pickAlone(placeOf(number));
}

export const fillStrip = () => makeStrip(thumbCame);

function thumbCame() {
  if (view.open && view.open === begun.group) showStage();
  else stage.draw();
}

export function closeGroup() {
  leave(null);
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
  else say("Every group that is shown has been looked at. “Finish …” says what comes next.");
}

// ---- Looking at it

const placeOf = (number) => view.open.copies.findIndex((copy) => copy.number === number);

// event: the click or key, for what is held with it
export function choose(position, event) {
  goToPicture(Math.max(0, Math.min(view.open.copies.length - 1, position)), event);
  showPicked();
}

export function pickHere() {
  pickAlso(view.chosen);
  showPicked();
}

export function pickEvery() {
  pickAll();
  showPicked();
}

function showPicked() {
  if (severalPicked().length) $("live").textContent = `${counted(severalPicked().length, "picture")} picked`;
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
  dressRows();
  dressPoints();
  dressBurst();
  dressReach();
  if (drawn !== looksOfOpen()) { drawn = looksOfOpen(); showStage(); }
}

// Until facts come of a group that was opened it is shown by its thumbnails.
export function showStage() {
  if (!facts.has(view.open.number) && view.open !== begun.group) return;
  if (areIdentical(view.open)) { showOne(); return; }
  stage.show({
    chosen: view.chosen,
    ...whatIsCompared(),
    turns: turns.get(view.open.number) ?? [],
    pictures: view.open.copies.map(onStage),
  });
}

// Several that are picked are compared with each other.
function whatIsCompared() {
  const { reference } = beginningOf(view.open), picked = severalPicked().slice(0, MOST_PANES);
  if (!picked.includes(view.chosen)) return { reference };
  const other = picked.find((place) => place !== view.chosen);
  return { reference: picked.includes(reference) ? reference : other, places: picked };
}

// Of identical files one, for all of them.
function showOne() {
  const { copies } = view.open, { reference } = beginningOf(view.open), copy = copies[reference];
  const name = copies.length <= NAMED ? copies.map((_, place) => letter(place)).join(" = ") : `${letter(0)} … ${letter(copies.length - 1)}`;
  stage.show({ chosen: 0, reference: 0, turns: [], pictures: [{ ...onStage(copy, reference), letter: name }] });
}

function onStage(copy, position) {
  const { number } = copy, edition = editionOf(copy), known = facts.get(copy.group)?.[number];
  return {
    number,
    edition,
    letter: letter(position),
    gone: MISSING[stateOf(copy)],
    ready: () => take("preview", copy),
    stand: () => standIn(position),
    why: () => (known ? whyUnseen(copy, known.unseen) : []),
    show: (image, kind) => show(image, kind, number),
    giveBack: (image) => { if (editionOf(copy) === edition) giveBack("preview", copy, image); },
    ...(known ?? sizeByThumb(position) ?? COMING),
  };
}
