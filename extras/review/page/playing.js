// The shots of a group shown in turn, in one place, as they were taken.

import { switchMode } from "./comparing.js";
import { choose, showStage, stage } from "./group.js";
import { $ } from "./nodes.js";
import { say } from "./notices.js";
import { isGone } from "./result.js";
import { view } from "./view.js";

const PACE = 450; // milliseconds a shot

let playing = null; // the group of which the shots are shown in turn

const isStill = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

// Plays or stops. Where somebody wants no motion each call shows the next shot.
export function togglePlay() {
  if (playing) { stop(); return; }
  if (view.open.copies.filter((copy) => !isGone(copy)).length < 2) { say("There is one picture to show."); return; }
  if (isStill()) { showNext(); return; }
  if (stage.mode !== "side") switchMode("side");
  playing = view.open;
  stage.alone = true;
  dressPlay();
  showNext();
  setTimeout(goOn, PACE);
}

export function stop() {
  if (!playing) return;
  playing = null;
  stage.alone = false;
  dressPlay();
  if (view.open) showStage();
}

function dressPlay() {
  $("play").setAttribute("aria-pressed", playing !== null);
  $("play").textContent = playing ? "◼ Stop" : "▶ Play";
}

function goOn() {
  if (!playing) return;
  if (playing !== view.open || document.hidden || document.querySelector("dialog[open]")) { stop(); return; }
  if (hasCome()) showNext();
  setTimeout(goOn, PACE);
}

const hasCome = () => [...$("stage").querySelectorAll("img")].every((image) => image.complete);

// The next picture that is not removed, and after the last the first.
function showNext() {
  const { open, chosen } = view, count = open.copies.length;
  const places = open.copies.map((_, step) => (chosen + 1 + step) % count);
  choose(places.find((place) => !isGone(open.copies[place])) ?? chosen);
}
