// Keeping the sharpest shots of a burst, in one step.

import { bestOf, isBurst, othersOf } from "./burst.js";
import { act } from "./changes.js";
import { choose } from "./group.js";
import { say } from "./notices.js";
import { inTurn } from "./queue.js";
import { isGone, letterOf } from "./result.js";
import { view } from "./view.js";
import { allOf, counted } from "./words.js";

// Keeps the sharpest one, two or three; what can't be compared with them stays, too.
export function keepBest(count) {
  const group = view.open;
  if (!isBurst(group)) { say("This is no burst."); return undefined; }
  return inTurn(async () => {
    const best = bestOf(group, count);
    if (!best) { say(`There are no more than ${count} shots to choose from.`); return; }
    const [first] = best.kept, names = allOf(best.kept.map((copy) => letterOf(group, copy.number)).sort());
    const restore = best.kept.filter(isGone).map((copy) => copy.number);
    const remove = best.rest.map((copy) => [copy.number, first.number]);
    if (!remove.length && !restore.length) { say(`Of the shots only ${names} ${best.kept.length > 1 ? "are" : "is"} kept already.`); return; }
    await act({ restore, remove }, () => `Kept as sharpest: ${names}. ${othersStay(group)}Look at the faces.`);
    if (view.open === group) choose(group.copies.indexOf(first));
  });
}

function othersStay(group) {
  const count = othersOf(group).length;
  return count ? `${counted(count, "other")} that can't be compared ${count > 1 ? "stay" : "stays"}. ` : "";
}
