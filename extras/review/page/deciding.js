// Groups that are kept side by side: as they are, and not found again.

import { ask } from "./calls.js";
import { refresh } from "./following.js";
import { say, sayError } from "./notices.js";
import { inTurn } from "./queue.js";
import { kept } from "./result.js";
import { noteSeen, noteUnseen } from "./seeing.js";
import { addStep } from "./steps.js";
import { view } from "./view.js";

// Keeps a group, or forgets that; whether it was done.
export async function decide(group, deed) {
  try {
    const { refused } = await ask(`/api/${deed}`, { groups: [group] });
    if (refused) { say(`Group ${group}: ${refused}.`, true); return false; }
  } catch (error) {
    sayError(error);
    return false;
  }
  if (deed === "keep") kept.add(group);
  else kept.delete(group);
  refresh();
  say(deed === "keep" ? `Group ${group} belongs side by side: find leaves it out from now on.` : `Group ${group} is shown by find again.`);
  return true;
}

export const contraryOf = (deed) => (deed === "keep" ? "forget" : "keep");

export function toggleKept() {
  const group = view.open.number;
  return inTurn(() => decideAndNote(group, kept.has(group) ? "forget" : "keep"));
}

// Keeps a group side by side; one that is refused counts as not looked at.
export function keepAll({ number }) {
  return inTurn(async () => {
    const isDone = kept.has(number) || await decideAndNote(number, "keep");
    (isDone ? noteSeen : noteUnseen)(number);
  }, false);
}

async function decideAndNote(group, deed) {
  const done = await decide(group, deed);
  if (done) addStep({ group, deed: contraryOf(deed) });
  return done;
}
