// Removing and restoring copies, and undoing it.

import { ask } from "./calls.js";
import { decide } from "./deciding.js";
import { adopt, refresh } from "./following.js";
import { goTo } from "./grid.js";
import { openGroup } from "./group.js";
import { $ } from "./nodes.js";
import { say, sayError } from "./notices.js";
import { pickedCopies } from "./picking.js";
import { inTurn } from "./queue.js";
import { byNumber, copies, isGone, isLeft, kept, letterOf, suggestions } from "./result.js";
import { noteSeen, noteUnseen } from "./seeing.js";
import { addStep, lastStep, replaceLast } from "./steps.js";
import { view } from "./view.js";
import { allOf, base, counted, grouped } from "./words.js";

const AT_ONCE = 400; // copies in one request

// ---- What is asked of the server

// remove: pairs of a copy and the one that must be there afterwards, or null; restore: copies.
async function change(wanted, words) { // words: what is said once it is done
  const made = { step: { remove: [], restore: [] }, refused: [] }; // what undoes it
  try {
    for (const part of partsOf(wanted)) {
      if (!await changePart(part, made)) return null;
    }
    if (made.refused.length) sayRefusal(made.refused);
    else say(words());
  } catch (error) {
    sayError(error);
    made.failed = true;
  } finally {
    refresh();
  }
  return made;
}

// What is restored goes first, as others may be removed for its sake.
export function* partsOf({ remove = [], restore = [], byRule = false }) {
  const back = restore.length, total = remove.length + back;
  for (let start = 0; start < total || !start; start += AT_ONCE) {
    const end = Math.min(start + AT_ONCE, total);
    const part = {
      restore: restore.slice(start, end),
      remove: remove.slice(Math.max(0, start - back), Math.max(0, end - back)),
      by_rule: byRule,
    };
    yield { part, progress: total > AT_ONCE ? `${grouped(end)} of ${grouped(total)} …` : "" };
  }
}

async function changePart({ part, progress }, made) {
  const answer = await send(part);
  if (!answer) return false; // asked, and kept
  for (const [kind, number] of answer.done) made.step[kind === "remove" ? "restore" : "remove"].push(number);
  made.refused.push(...answer.refused);
  if (progress) say(progress);
  adopt(answer);
  return true;
}

function sayRefusal(refused) {
  const [, number, reason] = refused[0];
  const more = refused.length > 1 ? ` (and ${refused.length - 1} more)` : "";
  const { group, path } = copies[number], where = view.open?.number === group ? "" : `Group ${group}, `;
  say(`${where}${base(path)}: ${reason}${more}.`, true);
}

async function send(part) {
  const answer = await ask("/api/change", part), emptied = answer.would_empty;
  if (!emptied) return answer;
  const which = emptied.length > 1 ? `groups ${emptied.join(", ")}` : `group ${emptied[0]}`;
  const sure = await confirmed(
    `Remove the last of ${which}?`,
    "No copy would be left. check-deleted leaves the originals of such groups alone, unless it is told --allow-whole-groups.",
    "Remove the last");
  return sure ? send({ ...part, may_empty: true }) : null;
}

function confirmed(title, text, yes) {
  $("ask-title").textContent = title;
  $("ask-text").textContent = text;
  $("ask-yes").textContent = yes;
  $("ask").returnValue = "";
  $("ask").showModal();
  return new Promise((resolve) => {
    $("ask").addEventListener("close", () => resolve($("ask").returnValue === "yes"), { once: true });
  });
}

// ---- Steps

// A step that was refused is remembered as well: to undo it changes nothing, and says so.
export async function act(wanted, words) {
  const made = await change(wanted, words);
  if (made) addStep(made.step);
  return made;
}

// A step is forgotten once it is undone, or when undoing it was refused twice.
export const undo = () => inTurn(undoLast);

async function undoLast() {
  const step = lastStep();
  if (!step) { say("There is nothing to undo."); return; }
  if (step.deed) { await undoDecision(step); return; }
  const number = step.remove.length + step.restore.length;
  if (!number) {
    replaceLast();
    say("The last step had changed nothing.");
    return;
  }
  const wanted = { remove: step.remove.map((one) => [one, null]), restore: step.restore };
  goBackTo(new Set([...step.remove, ...step.restore].map((one) => copies[one].group)));
  const made = await change(wanted, () => `Undone: ${counted(number, "copy", "copies")}.`);
  if (made) replaceLast(...whatRemains(step, made));
}

// Where one group was changed, it is looked at again.
function goBackTo(changed) {
  const [number] = changed, position = view.list.indexOf(byNumber.get(number));
  if (changed.size !== 1 || position < 0) return;
  if (!view.open) goTo(position);
  else if (view.open.number !== number) openGroup(position);
}

// A decision that can't be undone any more, as copies of its group are gone, is tried once.
async function undoDecision({ group, deed }) {
  goBackTo(new Set([group]));
  await decide(group, deed);
  replaceLast();
}

function whatRemains(step, made) {
  const over = !made.failed && (!made.refused.length || step.refused);
  if (over) return [];
  const undone = new Set([...made.step.remove, ...made.step.restore]);
  const rest = (numbers) => numbers.filter((one) => !undone.has(one));
  return [{ remove: rest(step.remove), restore: rest(step.restore), refused: !made.failed }];
}

// ---- In the open group; what a key means is read when its turn has come

export function toggle() {
  const group = view.open, picked = pickedCopies(), names = namesOf(group, picked);
  return inTurn(async () => {
    const there = picked.filter((copy) => !isGone(copy)), kind = there.length ? "remove" : "restore";
    await act(there.length ? { remove: there.map(({ number }) => [number, null]) } : { restore: numbersOf(picked) }, () => "");
    const left = `${group.copies.filter(isLeft).length} of ${group.copies.length} left`;
    const done = picked.every((copy) => isGone(copy) === (kind === "remove"));
    if (view.open === group && done) say(`${names} ${kind}d. ${left}.`);
  });
}

const numbersOf = (some) => some.map(({ number }) => number);
const namesOf = (group, some) => allOf(some.map(({ number }) => letterOf(group, number)));

export function keepOnly() {
  const group = view.open, picked = pickedCopies();
  return inTurn(() => {
    const rest = group.copies.filter((one) => !picked.includes(one) && !isGone(one));
    const remove = rest.map(({ number }) => [number, picked[0].number]), restore = numbersOf(picked.filter(isGone));
    return act({ restore, remove }, () => `Only ${namesOf(group, picked)} ${picked.length > 1 ? "are" : "is"} kept.`);
  });
}

export const hasSuggestion = (group) => kept.has(group.number) || suggestions.has(group.number);

// Why nothing is to be accepted of a group, or nothing.
export function whyNotAccepted(group) {
  if (kept.has(group.number)) return "It belongs side by side; B forgets that.";
  if (!suggestions.has(group.number)) return "The group is still being judged.";
  if (suggestions.get(group.number).keeper === null) return "There is no suggestion for this group: K keeps all, O only the picked one.";
  return "";
}

// Accepts what is suggested of a group; where that is refused it counts as not looked at.
export function accept(group) {
  return inTurn(async () => {
    const { keeper, removals } = suggestions.get(group.number);
    const keepers = [...new Set(removals.map(([, one]) => one))];
    const restore = keepers.filter((number) => isGone(copies[number]));
    const remove = removals.filter(([number]) => !isGone(copies[number])).map(([number, one]) => [number, one]);
    if (!remove.length && !restore.length) { noteSeen(group.number); say("It is accepted already."); return; }
    const staying = group.copies.filter(({ number }) => number === keeper || keepers.includes(number));
    const words = () => `${view.open === group ? "Accepted" : `Group ${group.number} accepted`}: ${namesOf(group, staying)} ${staying.length > 1 ? "are" : "is"} kept.`;
    const made = await act({ restore, remove, byRule: true }, words);
    const isDone = made && !made.failed && !made.refused.length;
    (isDone ? noteSeen : noteUnseen)(group.number);
  }, false);
}
