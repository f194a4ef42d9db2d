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
  0: () => stage.fit(),
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
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
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

// How many are to be kept by a digit's key where it writes no digit: with Shift, or on some keyboards
// without.
function bestAskedFor({ code, key, repeat }) {
  return repeat || /^\d$/.test(key) ? 0 : Number(/^Digit([123])$/.exec(code)?.[1] ?? 0);
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
  } else if (view.open && key >= "1" && key <= "9" && view.open.copies[key - 1]) {
    choose(key - 1);
  }
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
