// A whole group decided by one key, and on to the next one while that is carried out.

import { accept, hasSuggestion, whyNotAccepted } from "./changes.js";
import { keepAll } from "./deciding.js";
import { focusChosen } from "./strip.js";
import { nextUnreviewed } from "./group.js";
import { $ } from "./nodes.js";
import { say, sayError } from "./notices.js";
import { kept, learn } from "./result.js";
import { recalled, remember } from "./settings.js";
import { view } from "./view.js";

const waiting = new Set(); // groups whose suggestion has to come first

// Shift does the contrary of what is set.
const goesOn = (shift) => $("goes-on").checked !== shift;

export async function acceptAndGo(shift = false) {
  const group = view.open;
  if (waiting.has(group)) return;
  if (!hasSuggestion(group)) await cameFor(group);
  const reason = whyNotAccepted(group);
  if (reason) { say(reason); return; }
  accept(group);
  if (view.open === group && goesOn(shift)) nextUnreviewed();
}

async function cameFor(group) {
  waiting.add(group);
  await learn(group).catch(sayError);
  waiting.delete(group);
}

export function keepAllAndGo(shift = false) {
  const group = view.open;
  if (!kept.has(group.number)) keepAll(group);
  if (goesOn(shift)) nextUnreviewed();
}

export function followGoing() {
  $("goes-on").checked = recalled("goes-on", "yes") === "yes";
  $("goes-on").addEventListener("change", () => {
    remember("goes-on", $("goes-on").checked ? "yes" : "no");
    focusChosen(); // so that the next key is for the group
  });
}
