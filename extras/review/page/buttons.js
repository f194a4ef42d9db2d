// Buttons, and what each does.

import { applyBatch, openBatch, planBatch } from "./batch.js";
import { keepBest } from "./best.js";
import { PAGE } from "./burst.js";
import { keepOnly, toggle, undo } from "./changes.js";
import { toggleKept } from "./deciding.js";
import { end, openFinish } from "./finish.js";
import { acceptAndGo, followGoing, keepAllAndGo } from "./going.js";
import { choose, move, nextUnreviewed, openGroup, stage } from "./group.js";
import { showHelp } from "./keys.js";
import { $ } from "./nodes.js";
import { pickAlone } from "./picking.js";
import { followPoints } from "./points.js";
import { togglePlay } from "./playing.js";
import { followReach, followSwipes } from "./reach.js";
import { kept } from "./result.js";
import { view } from "./view.js";

const click = (id, deed) => $(id).addEventListener("click", deed);

export function followButtons() {
  click("grid", pressedTile);
  click("strip", pressedOne);
  click("table-room", (event) => {
    const head = event.target.closest("thead th");
    if (head) choose(head.cellIndex - 1, event);
  });
  click("verdict", (event) => {
    if (event.target.closest("#accept")) acceptAndGo(event.shiftKey);
    else if (event.target.closest("#keep-group")) keepOrForget(event.shiftKey);
  });
  click("back", () => history.back());
  click("undo", undo);
  click("previous", () => move(-1));
  click("next", () => move(1));
  click("next-unreviewed", nextUnreviewed);
  click("burst", pressedOfBurst);
  followDialogs();
  followGoing();
  followPoints();
  followReach();
  followSwipes(stage, move);
}

function keepOrForget(shift) {
  if (kept.has(view.open.number)) toggleKept();
  else keepAllAndGo(shift);
}

function followDialogs() {
  click("open-batch", openBatch);
  click("open-finish", openFinish);
  click("open-help", showHelp);
  click("ask-no", () => $("ask").close("no"));
  click("ask-yes", () => $("ask").close("yes"));
  click("batch-no", () => $("batch").close());
  click("batch-yes", applyBatch);
  $("batch").addEventListener("change", planBatch);
  click("finish-no", () => $("finish").close());
  click("finish-end", end);
  click("help-no", () => $("help").close());
}

function pressedTile(event) {
  const tile = event.target.closest(".tile");
  if (tile) openGroup(Number(tile.dataset.position));
}

function pressedOfBurst({ target }) {
  const button = target.closest("button"), start = view.chosen - (view.chosen % PAGE);
  if (!button) return;
  if (button.dataset.best) keepBest(Number(button.dataset.best));
  else if (button.id === "play") togglePlay();
  else choose(start + (button.id === "burst-before" ? -PAGE : PAGE));
}

function pressedOne(event) {
  const button = event.target.closest("button");
  if (!button) return;
  const position = [...$("strip").children].indexOf(button.closest(".one"));
  if (button.matches(".pick")) { choose(position, event); return; }
  pickAlone(position);
  if (button.matches(".remove")) toggle();
  else keepOnly();
}
