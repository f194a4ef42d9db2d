// The tools of comparing: how two pictures lie beside or upon each other, and how large.

import { dressGroup, stage } from "./group.js";
import { showsNumbers } from "./links.js";
import { $ } from "./nodes.js";
import { say, sayError } from "./notices.js";
import { facts, learn } from "./result.js";
import { remember } from "./settings.js";
import { view } from "./view.js";

export const STEP = 1.5; // by which is zoomed

const modeButtons = () => document.querySelectorAll("[data-mode]");

// Compares in a mode; in that mode already, side by side again.
export function switchMode(mode) {
  stage.setMode(stage.mode === mode ? "side" : mode);
  for (const button of modeButtons()) button.setAttribute("aria-pressed", button.dataset.mode === stage.mode);
  $("slider-tool").hidden = stage.mode !== "slider";
  $("amplify-tool").hidden = stage.mode !== "difference";
}

export function followTools() {
  const click = (id, deed) => $(id).addEventListener("click", deed);
  for (const button of modeButtons()) {
    button.addEventListener("click", () => { if (stage.mode !== button.dataset.mode) switchMode(button.dataset.mode); });
  }
  $("split").addEventListener("input", () => stage.setSplit(Number($("split").value)));
  $("amplify").addEventListener("change", () => stage.setAmplify(Number($("amplify").value)));
  click("zoom-out", () => stage.zoomBy(1 / STEP));
  click("zoom-in", () => stage.zoomBy(STEP));
  click("zoom-fit", () => stage.fit());
  click("zoom-full", () => stage.toggleFull());
  click("full-screen", fullScreen);
  click("numbers", () => { remember("numbers", showsNumbers() ? "no" : "yes"); dressNumbers(); dressGroup(); });
  dressNumbers();
}

const dressNumbers = () => $("numbers").setAttribute("aria-pressed", showsNumbers());

let waiting = null; // the group of which somebody wants to look closely once its pictures are here

// Where the two pictures differ most, and says what is seen there; again: as at first.
export function lookClosely() {
  const group = view.open, isWanted = waiting !== group;
  waiting = null;
  if (facts.has(group.number) && stage.hasPair()) lookNow();
  else if (isWanted) {
    say("One moment: the pictures are on their way.");
    waiting = group;
    learn(group).then(() => stage.settled()).then(() => {
      if (waiting !== group) return;
      waiting = null;
      if (view.open === group && stage.isHome()) lookNow();
    }, sayError);
  }
}

function lookNow() {
  const found = stage.toggleDetail();
  if (!found) return;
  const [one, other] = found.letters;
  if (found.differs) say(`Here ${one} and ${other} differ most.`);
  else say(other ? `${one} and ${other} look the same; this is the sharpest detail.` : `The sharpest detail of ${one}.`);
}

function fullScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen().catch(sayError);
}
