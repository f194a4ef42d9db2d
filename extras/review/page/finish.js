// The last screen: what check-deleted would list, and the end of the review.

import { leave } from "./asking.js";
import { ask } from "./calls.js";
import { clearGrid } from "./grid.js";
import { stage } from "./group.js";
import { $, make } from "./nodes.js";
import { hush } from "./notices.js";
import { REMOVED, THERE, copies, kept, result, short, stateOf } from "./result.js";
import { loadNoMore } from "./thumbnails.js";
import { view } from "./view.js";
import { bytes, counted, grouped, listed } from "./words.js";

const LISTED = 300;
const BY_RULES = "To have the rules list which objects may go, of all groups, and then to delete them, run";

export async function openFinish() {
  $("finish-sum").textContent = "Looking at the folders …";
  $("finish-list").replaceChildren();
  $("finish-notes").replaceChildren();
  $("finish-how").hidden = $("finish-command").hidden = true;
  $("finish").showModal();
  try {
    showPlan(await ask("/api/plan"));
  } catch (error) {
    $("finish-sum").textContent = error.message;
  }
}

function showPlan(plan) {
  const { deleted, losses } = plan, more = deleted.length - LISTED;
  const sum = `${counted(deleted.length, "original")}, ${bytes(plan.bytes)} to free.`;
  $("finish-sum").textContent = deleted.length ? sum : nothing();
  $("finish-list").replaceChildren(...deleted.slice(0, LISTED).map((path) => lineOf(path, short(path))));
  if (more > 0) $("finish-list").append(make("li", { textContent: `… and ${grouped(more)} more` }));
  if (losses.length) tellLosses(losses);
  if (plan.companions.length) tellCompanions(plan.companions);
  $("finish-notes").append(...notesOf(plan).map((textContent) => make("p", { className: "muted", textContent })));
  $("finish-how").hidden = $("finish-command").hidden = !deleted.length && !result.sample;
  if (result.sample) $("finish-how").textContent = BY_RULES;
  $("finish-command").textContent = [result.commands["check-deleted"], result.commands.cleanup].join("\n");
}

const lineOf = (path, textContent) => make("li", { textContent, title: path });

function nothing() {
  if (result.sample) return "Nothing: this is a sample of objects, there to be looked at.";
  const touched = copies.some((copy) => stateOf(copy) !== THERE);
  return touched ? "Nothing would be deleted." : "Nothing: every group is as find left it.";
}

function notesOf(plan) {
  const notes = [];
  if (kept.size) notes.push(`Kept side by side, and left out by find: ${counted(kept.size, "group")}.`);
  if (plan.already) notes.push(`Deleted already: ${counted(plan.already, "original")}.`);
  const moved = plan.moved.length, whole = plan.whole_groups;
  if (moved) notes.push(`${counted(moved, "copy", "copies")} moved, renamed or edited: their originals stay.`);
  if (whole.length) {
    notes.push(`Groups with no copy left: ${whole.join(", ")}. Their originals stay (unless --allow-whole-groups).`);
  }
  const staying = plan.protected.map(([path, reason]) => `${short(path)}: ${reason}`);
  if (staying.length) notes.push(`Chosen, but they stay (${grouped(staying.length)}): ${listed(staying)}.`);
  if (plan.strangers.length) notes.push(`Files that may be edited copies: ${plan.strangers.join(", ")}.`);
  return notes;
}

// The lines of check-deleted, which leaves none out either.
function tellLosses(losses) {
  const title = `Only these hold something that what stays doesn't (${grouped(losses.length)}):`;
  const lines = losses.map(([path, loses]) => lineOf(path, `${short(path)}: ${loses.join("; ")}`));
  tell(title, lines, "What only these originals hold");
}

function tellCompanions(companions) {
  const title = `Left without their photo (${grouped(companions.length)}):`;
  const lines = companions.map((path) => lineOf(path, short(path)));
  tell(title, lines, "What lies beside these originals, and stays");
  const how = "With --with-companions cleanup takes along what also lies beside what stays.";
  $("finish-notes").append(make("p", { className: "muted", textContent: how }));
}

function tell(title, lines, label) {
  const list = make("ol", { className: "paths", tabIndex: 0 }, ...lines);
  list.setAttribute("aria-label", label);
  $("finish-notes").append(make("p", {}, make("b", { textContent: title })), list);
}

// All of the page stays where it is, out of sight and asking for nothing: what is still under way
// may look for it.
export async function end() {
  try {
    await ask("/api/end", {});
  } catch { /* it has ended already */ }
  leave();
  hush();
  view.open = null;
  stage.clear();
  loadNoMore();
  $("grid-view").hidden = $("group-view").hidden = true;
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
  for (const node of document.body.children) node.hidden = true;
  $("strip").replaceChildren();
  clearGrid();
  document.body.append(make("main", {}, make("div", { className: "nothing grow" }, ...lastWords())));
}

// What to do now, as nothing is deleted here.
function lastWords() {
  const told = [make("h1", { textContent: "The review has ended. You may close this page." })];
  if (result.sample) {
    told.push(make("p", { textContent: `${BY_RULES}:` }), commandsOf("suggest", "cleanup"));
  } else if (copies.some((copy) => stateOf(copy) === REMOVED)) {
    told.push(make("p", { textContent: "To list the originals of the copies that you removed, and then to delete them, type:" }), commandsOf("check-deleted", "cleanup"));
  }
  return [...told, make("p", { textContent: "To look again, type:" }), commandsOf("review")];
}

const commandsOf = (...actions) => make("pre", { textContent: actions.map((action) => result.commands[action]).join("\n"), tabIndex: 0 });
