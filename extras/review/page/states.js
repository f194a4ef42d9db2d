// What is said where there is nothing to see or to suggest: why, and what to do next.

import { make } from "./nodes.js";
import { EDITED, REMOVED, byNumber, copies, groups, isGone, result, stateOf, suggestions } from "./result.js";

const say = (textContent) => make("p", { textContent });
const head = (textContent) => make("h2", { textContent });

// What to type in a terminal, as it can be copied whole.
export function command(action, ...paths) {
  return make("pre", { textContent: [result.commands[action], ...paths.map(quoted)].join(" "), tabIndex: 0 });
}

// A path as a shell reads it.
export const quoted = (path) => (/^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`);

// ---- The grid

const NOTHING = {
  unreviewed: () => [head("You have looked at every group."), ...toDoNow()],
  undecided: () => [head("Every group is decided."), ...toDoNow()],
  removals: () => [
    head("Nothing is removed yet."),
    say("In a group X removes a picture, and A accepts what is suggested. To see all that the rules would give up, type:"),
    command("suggest"),
  ],
  kept: () => [head("No group is kept side by side."), say("In a group “Keep all” or the key B keeps all of its pictures, and find leaves it out from then on.")],
};

// Why no group is shown.
export function nothingToShow(filter) {
  if (groups.length) return NOTHING[filter]();
  return [
    head("This result has no group."),
    say("Find saw no two pictures that look alike, or you keep all of them side by side. To look for more than whole pictures, such as crops, type:"),
    command("find --preset crops"),
    say("To see what you keep, too, type:"),
    command("find --show-kept"),
  ];
}

// How to go on when all is looked at.
function toDoNow() {
  if (!copies.some((copy) => stateOf(copy) === REMOVED)) {
    return [say("No copy is removed, so nothing would be deleted. End the review under “Finish …”, or show all groups.")];
  }
  return [say("“Finish …” says what would be deleted. End the review there, and then type:"), command("check-deleted")];
}

// ---- A picture that can't be shown

// Why, and what to do about it.
export function whyUnseen(copy, reason) {
  const found = [head("This picture can't be shown"), say(`${reason}.`)];
  if (isGone(copy)) return [...found, say("Nothing is left of it here. For a result without it, type:"), command("find")];
  if (stateOf(copy) === EDITED) {
    return [...found, say("Its copy is not what find put there, and is left as it is. For a new copy remove that file, and press Restore.")];
  }
  return [...found, say("No rule gives it up. Mend its file, or take it out of the input folder, and type:"), command("find")];
}

// ---- A group of which nothing is suggested

// What to do about it; why the pictures are together, in a terminal.
export function chooseYourself(number) {
  const group = byNumber.get(number), [one, other] = pairOf(group);
  const why = make("details", { className: "explain" }, make("summary", { textContent: "Why together?" }), command("explain", one, other));
  const isBurst = suggestions.get(number)?.burst, keys = isBurst ? "Shift 1, 2 or 3 keeps the sharpest; X removes the picked one." : "X removes the picked one.";
  return [make("span", { className: "next muted" }, isBurst ? "Look at the faces. " : "Choose yourself. ", make("span", { className: "for-keys", textContent: keys })), why];
}

// The two paths of the weakest link, or the first two.
function pairOf(group) {
  const weakest = group.links.at(-1);
  const numbers = weakest ? [weakest.left, weakest.right] : group.copies.map((copy) => copy.number);
  return numbers.slice(0, 2).map((number) => copies[number].path);
}
