// Following the folders, and the judging of the groups: what has changed there is shown here.

import { hasLeft } from "./asking.js";
import { ask } from "./calls.js";
import { clearGrid, drawGrid, refreshGrid } from "./grid.js";
import { dressGroup, fillStrip, followOrder, showStage } from "./group.js";
import { showHeader } from "./header.js";
import { $ } from "./nodes.js";
import { isStale, lament, say, sayError } from "./notices.js";
import { areIdentical, copies, facts, groups, learn, putInTime, result, suggestions } from "./result.js";
import { view } from "./view.js";
import { grouped } from "./words.js";

const PACE = { judged: 2500, judging: 700, catchingUp: 50, hidden: 3000 }; // milliseconds
const MANY_TOLD = 1000;

let adopted = 0; // answers that said how the folders are

export async function follow() {
  if (hasLeft()) return;
  let pace = PACE.hidden;
  try {
    if (!document.hidden) pace = await look();
  } catch (error) {
    if (!isStale()) say(error.message, true);
  }
  setTimeout(follow, pace);
}

async function look() {
  const before = adopted, answer = await ask(`/api/state/${result.told}`), news = answer.told.length;
  if (hasLeft()) return PACE.hidden;
  if (isStale()) lament("");
  result.told += news;
  result.judged = answer.done && !news;
  for (const one of answer.told) takeIn(one);
  if (adopted === before) adopt(answer, news > 0);
  else if (news) refresh(); // of before a change that was made meanwhile
  $("judging").hidden = result.judged;
  $("judging").textContent = `Judging ${grouped(Math.min(result.told, groups.length))} of ${grouped(groups.length)}`;
  if (result.judged) return PACE.judged;
  return news >= MANY_TOLD ? PACE.catchingUp : PACE.judging;
}

function takeIn(suggestion) {
  suggestions.set(suggestion.group, suggestion);
  if (putInTime(suggestion) && view.open?.number === suggestion.group) followOrder();
}

// Shows an answer's states, if they are others or if there is more to show.
export function adopt(answer, more = false) {
  adopted += 1;
  const before = JSON.stringify(result.editions), after = JSON.stringify(answer.editions);
  if (answer.states === result.states && before === after && !more) return;
  result.states = answer.states;
  if (before !== after) adoptEditions(answer.editions);
  refresh();
}

// Other pictures lie in the places of some copies: what was known of their groups is void.
function adoptEditions(fresh) {
  const before = result.editions;
  const changed = Object.keys({ ...before, ...fresh }).filter((number) => before[number] !== fresh[number]);
  result.editions = fresh;
  for (const number of changed) facts.delete(copies[number]?.group);
  clearGrid();
  drawGrid();
  const group = view.open;
  if (!group || !changed.some((number) => copies[number].group === group.number)) return;
  $("group-view").classList.toggle("identical", areIdentical(group));
  fillStrip();
  learn(group).then(() => { if (view.open === group) { showStage(); dressGroup(); } }, sayError);
}

export function refresh() {
  showHeader();
  if (view.open) dressGroup();
  else refreshGrid();
}
