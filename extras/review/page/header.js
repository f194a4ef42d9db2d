// The line above all: what is open, and what would be removed.

import { $ } from "./nodes.js";
import { REMOVED, groups, isLeft, stateOf } from "./result.js";
import { view } from "./view.js";
import { bytes, counted, grouped } from "./words.js";

export function showHeader() {
  const { open, list, at } = view, doomed = toRemove();
  const size = doomed.reduce((sum, copy) => sum + copy.size, 0);
  const place = open ? `group ${at + 1} of ${grouped(list.length)}` : counted(groups.length, "group");
  $("counts").textContent = `${place} · ${grouped(doomed.length)} to remove · ${bytes(size)}`;
  $("title").textContent = open ? `Group ${open.number}` : "Review";
  document.title = open ? `Group ${open.number} – Review` : "Review";
}

// The originals of a group with no copy left stay.
function toRemove() {
  const counting = groups.filter((group) => group.copies.some(isLeft));
  return counting.flatMap((group) => group.copies.filter((copy) => stateOf(copy) === REMOVED));
}
