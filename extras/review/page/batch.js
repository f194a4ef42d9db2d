// The dialog of rules for many groups.

import { ask } from "./calls.js";
import { act } from "./changes.js";
import { relist } from "./grid.js";
import { $, make } from "./nodes.js";
import { makeLine, makeSortable } from "./ordering.js";
import { followPreferred, preferred, showText } from "./preferring.js";
import { inTurn } from "./queue.js";
import { copies, groups, result, short } from "./result.js";
import { view } from "./view.js";
import { bytes, counted, grouped } from "./words.js";

const LISTED = 300;
const ASK_AGAIN = 500; // milliseconds

let removals = [];
let ticket = 0; // of the plan that was asked for last

export function openBatch() {
  if (!$("batch-rules").children.length) followLists();
  $("batch-shown").textContent = `(${grouped(view.list.length)})`;
  $("batch").showModal();
  $("batch").scrollTop = 0;
  planBatch();
}

function followLists() {
  useUsual();
  makeSortable($("batch-rules"), planBatch);
  followPreferred(planBatch);
  $("batch-usual").addEventListener("click", () => { useUsual(); planBatch(); });
}

// All rules, in the order in which they decide unless somebody moves them.
function useUsual() {
  $("batch-rules").replaceChildren(...result.rules.map(([name, label]) => (
    makeLine(label, {}, make("label", {}, make("input", { type: "checkbox", value: name, checked: true }), label)))));
}

export async function planBatch() {
  const mine = ticket += 1;
  $("batch-yes").disabled = true;
  $("batch-list").replaceChildren();
  showText(isUsual());
  $("batch-usual").disabled = isUsual();
  if (!result.judged) {
    const judged = `${grouped(result.told)} of ${grouped(groups.length)} groups`;
    $("batch-sum").textContent = `The pictures are still being judged: ${judged} …`;
    setTimeout(() => { if ($("batch").open && mine === ticket) planBatch(); }, ASK_AGAIN);
    return;
  }
  try {
    const plan = await ask("/api/batch", chosen());
    if (mine === ticket) showPlan(plan);
  } catch (error) {
    $("batch-sum").textContent = error.message;
  }
}

const chosenRules = () => [...$("batch-rules").querySelectorAll(":checked")].map((box) => box.value);
const isUsual = () => chosenRules().join() === result.rules.map(([name]) => name).join();

function chosen() {
  const scope = $("batch").querySelector("[name=scope]:checked").value === "all" ? groups : view.list;
  return { rules: chosenRules(), prefer: preferred(), groups: scope.map((group) => group.number) };
}

function showPlan(plan) {
  removals = plan.removals;
  const size = removals.reduce((sum, [number]) => sum + copies[number].size, 0);
  const inGroups = new Set(removals.map(([number]) => copies[number].group)).size;
  const doomed = counted(removals.length, "copy", "copies");
  const gone = `${doomed} of ${counted(inGroups, "group")} would go, ${bytes(size)}.`;
  if (!removals.length) { sayNothingGoes(plan); return; }
  $("batch-sum").textContent = `${gone} Left to you: ${counted(plan.left, "group")}.`;
  $("batch-list").replaceChildren(...removals.slice(0, LISTED).map(lineOf));
  const more = removals.length - LISTED;
  if (more > 0) $("batch-list").append(make("li", { textContent: `… and ${grouped(more)} more` }));
  $("batch-yes").textContent = `Remove ${doomed}`;
  $("batch-yes").disabled = !removals.length;
}

function sayNothingGoes({ left }) {
  const rest = left ? ` Left to you: ${counted(left, "group")}. Look at them one by one.` : " No group is left to decide.";
  $("batch-sum").textContent = `These rules give nothing up.${rest}`;
  $("batch-yes").textContent = "Remove";
}

function lineOf([number, keeper, reason, loses]) {
  const lost = loses.length ? `; only it has ${loses.join(", ")}` : "";
  const why = `: ${reason} beside ${short(copies[keeper].path)}${lost}`;
  return make("li", {}, short(copies[number].path), make("span", { textContent: why }));
}

export async function applyBatch() {
  $("batch").close();
  const remove = removals.map(([number, keeper]) => [number, keeper]);
  const words = `${counted(remove.length, "copy", "copies")} removed. Undo brings all of them back.`;
  await inTurn(() => act({ remove, byRule: true }, () => words));
  if (!view.open) relist();
}
