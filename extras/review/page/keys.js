// Keys, and what each does in the grid and in a group.

import { hasLeft } from "./asking.js";
import { keepBest } from "./best.js";
import { keepOnly, toggle, undo } from "./changes.js";
import { STEP, lookClosely, switchMode } from "./comparing.js";
import { toggleKept } from "./deciding.js";
import { acceptAndGo, keepAllAndGo } from "./going.js";
import { goTo, grid } from "./grid.js";
import { choose, move, nextUnreviewed, openGroup, pickEvery, pickHere, stage } from "./group.js";
import { $ } from "./nodes.js";
import { openPoints } from "./points.js";
import { togglePlay } from "./playing.js";
import { view } from "./view.js";

const PAGE = 3; // rows
const MOST_BEST = 3; // shots of a burst that a key keeps

const goBy = (places) => goTo(view.at + places);
const goByRows = (rows) => goBy(rows * grid.columns);

const GROUP_KEYS = {
  ArrowLeft: (event) => choose(view.chosen - 1, event),
  ArrowRight: (event) => choose(view.chosen + 1, event),
  ArrowUp: () => move(-1),
  ArrowDown: () => move(1),
  a: (event) => acceptAndGo(event.shiftKey),
  k: (event) => keepAllAndGo(event.shiftKey),
  x: toggle,
  Delete: toggle,
  o: keepOnly,
  b: toggleKept,
  d: () => switchMode("difference"),
  s: () => switchMode("slider"),
  f: () => switchMode("flip"),
  p: openPoints,
  r: togglePlay,
  z: lookClosely,
  PageUp: () => stage.page(-1),
  PageDown: () => stage.page(1),
  "+": () => stage.zoomBy(STEP),
  "=": () => stage.zoomBy(STEP),
  "-": () => stage.zoomBy(1 / STEP),
  Escape: () => history.back(),
};
const GRID_KEYS = {
  ArrowLeft: () => goBy(-1),
  ArrowRight: () => goBy(1),
  ArrowUp: () => { if (view.at < grid.columns) goBy(0); else goByRows(-1); },
  ArrowDown: () => goByRows(1),
  Home: () => goTo(0),
  End: () => goTo(view.list.length - 1),
  PageUp: () => goByRows(-PAGE),
  PageDown: () => goByRows(PAGE),
  Enter: () => openGroup(view.at),
};
const KEYS = { u: undo, n: nextUnreviewed, "?": showHelp };

const isAsked = () => document.querySelector("dialog[open]") !== null;

export function showHelp() {
  const { port } = location;
  $("help-tunnel").textContent = `ssh -N -L ${port}:127.0.0.1:${port} you@this-computer`;
  $("help").showModal();
  $("help").scrollTop = 0;
}

export function followKeys() {
  document.addEventListener("keydown", pressed);
  document.addEventListener("keyup", released);
  window.addEventListener("blur", () => stage.hold(false));
}

function pressed(event) {
  if (hasLeft() || event.altKey || isAsked()) return;
  const key = keyOf(event);
  if (isForTheNode(event.target, key)) return;
  if (event.ctrlKey || event.metaKey) { answerWithCtrl(event, key); return; }
  const best = view.open ? bestAskedFor(event) : 0;
  if (best) { event.preventDefault(); keepBest(best); return; }
  if (view.open && key === " ") {
    event.preventDefault();
    stage.hold(true);
  } else if (!(key === "Enter" && event.target.matches("button:not(.tile)"))) {
    answer(event, key);
  }
}

// What a key is called here: as it writes, or by its place on keyboards of other letters.
function keyOf({ key, code }) {
  if (key.length > 1) return key;
  return /^\p{L}$/u.test(key) && !/^[a-z]$/i.test(key) ? (/^Key([A-Z])$/.exec(code)?.[1] ?? key).toLowerCase() : key.toLowerCase();
}

// The digit of a key, whatever a keyboard writes by it with Shift and without.
const digitOf = ({ code, key }) => Number(/^Digit(\d)$/.exec(code)?.[1] ?? (/^\d$/.test(key) ? key : NaN));

// How many are to be kept by a digit's key with Shift, or 0.
function bestAskedFor(event) {
  const digit = event.shiftKey && !event.repeat && /^Digit/.test(event.code) ? digitOf(event) : 0;
  return digit <= MOST_BEST ? digit : 0;
}

// Whether what has the focus takes the key itself.
function isForTheNode(node, key) {
  if (node.matches("input[type=checkbox]") && key === " ") return true;
  if (node.matches("select, input:not([type=checkbox])")) return key !== "Escape";
  return Boolean(node.closest(".table-room")) && key.startsWith("Arrow");
}

function answer(event, key) {
  const deed = KEYS[key] ?? (view.open ? GROUP_KEYS : GRID_KEYS)[key];
  if (deed) {
    event.preventDefault();
    if (!event.repeat || key.startsWith("Arrow") || key.startsWith("Page")) deed(event);
    return;
  }
  if (!view.open || event.repeat || (event.shiftKey && !/^\d$/.test(event.key))) return;
  const digit = digitOf(event);
  if (digit === 0) stage.fit();
  else if (view.open.copies[digit - 1]) choose(digit - 1);
}

const CTRL_KEYS = { a: pickEvery, " ": pickHere, ArrowLeft: GROUP_KEYS.ArrowLeft, ArrowRight: GROUP_KEYS.ArrowRight };

function answerWithCtrl(event, key) {
  const deed = key === "z" && !event.shiftKey ? undo : view.open ? CTRL_KEYS[key] : null;
  if (!deed) return;
  event.preventDefault();
  if (!event.repeat || key.startsWith("Arrow")) deed(event);
}

function released(event) {
  if (event.key !== " ") return;
  stage.hold(false);
  if (view.open && !isAsked()) event.preventDefault(); // it is no click
}
