// Removing and restoring copies, and undoing it.

import { ask } from "./calls.js";
import { decide } from "./deciding.js";
import { adopt, refresh } from "./following.js";
import { $ } from "./nodes.js";
import { say, sayError } from "./notices.js";
import { inTurn } from "./queue.js";
import { copies, isGone, isLeft, kept, letterOf, suggestions } from "./result.js";
import { addStep, lastStep, replaceLast } from "./steps.js";
import { view } from "./view.js";
import { base, counted, grouped, letter } from "./words.js";

const AT_ONCE = 400; // copies in one request

// ---- What is asked of the server

// remove: pairs of a copy and the one that must be there afterwards, or null; restore: copies.
async function change(wanted, words) {
  const made = { step: { remove: [], restore: [] }, refused: [] }; // what undoes it
  try {
    for (const part of partsOf(wanted)) {
      if (!await changePart(part, made)) return null;
    }
    if (made.refused.length) sayRefusal(made.refused);
    else say(words);
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
  say(`${base(copies[number].path)}: ${reason}${more}.`, true);
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
  const made = await change(wanted, `Undone: ${counted(number, "copy", "copies")}.`);
  if (made) replaceLast(...whatRemains(step, made));
}

// A decision that can't be undone any more, as copies of its group are gone, is tried once.
async function undoDecision({ group, deed }) {
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
  const group = view.open, copy = group.copies[view.chosen], name = letter(view.chosen);
  return inTurn(async () => {
    const kind = isGone(copy) ? "restore" : "remove";
    await act(kind === "remove" ? { remove: [[copy.number, null]] } : { restore: [copy.number] }, "");
    const left = `${group.copies.filter(isLeft).length} of ${group.copies.length} left`;
    if (view.open === group && isGone(copy) === (kind === "remove")) say(`${name} ${kind}d. ${left}.`);
  });
}

export function keepOnly() {
  const { open, chosen } = view, copy = open.copies[chosen];
  return inTurn(() => {
    const rest = open.copies.filter((one) => one !== copy && !isGone(one)).map((one) => [one.number, copy.number]);
    return act({ restore: isGone(copy) ? [copy.number] : [], remove: rest }, `Only ${letter(chosen)} is kept.`);
  });
}

export function acceptSuggestion() {
  const group = view.open;
  return inTurn(() => accept(group));
}

function accept(group) {
  const suggestion = suggestions.get(group.number);
  if (kept.has(group.number)) { say("It belongs side by side; B forgets that."); return undefined; }
  if (!suggestion) { say("The group is still being judged."); return undefined; }
  if (suggestion.keeper === null) { say("There is no suggestion for this group."); return undefined; }
  const keepers = [...new Set(suggestion.removals.map(([, keeper]) => keeper))];
  const restore = keepers.filter((number) => isGone(copies[number]));
  const remove = suggestion.removals.filter(([number]) => !isGone(copies[number])).map(([number, keeper]) => [number, keeper]);
  if (!remove.length && !restore.length) { say("It is accepted already."); return undefined; }
  return act({ restore, remove, byRule: true }, `Accepted: ${letterOf(group, suggestion.keeper)} is kept.`);
}
