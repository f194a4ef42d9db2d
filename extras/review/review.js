// The page: the grid of groups, one group, rules for many, and the end. The folders are the state:
// what is removed or restored here is read back from them.

import * as asking from "./asking.js";
import { Stage, make } from "./stage.js";

const $ = (id) => document.getElementById(id);
const THERE = "t", EDITED = "e";
const MISSING = { g: "removed", m: "moved", d: "deleted" }; // moved, and its original too
const NAMED = 12; // letters in a sentence
const TILE = { least: 236, height: 216, ahead: 2 };
const AT_ONCE = 400; // copies in one request
const LOADERS = 4; // thumbnails on their way
const LISTED = 300;
const CLOSE = 12; // bits: surely the same

const groups = []; // in the order of their numbers
const byNumber = new Map();
const copies = [];
const facts = new Map(); // of the groups that were opened last
const suggestions = new Map();
const turns = new Map(); // how versions of one picture are turned against each other
const seen = new Set();
let undoable = []; // the last steps that were made here; a reload keeps them
let run = "";
let states = "";
let editions = {}; // what tells the contents of edited copies apart
let stale = false;
let told = 0;
let judged = false;
let list = []; // the groups that are shown
let at = 0; // the place in that list
let open = null;
let chosen = 0; // the place of a picture in the open group
let rules = [];
let ended = false;

const stage = new Stage($("stage"), {
  pick: (number) => choose(open.copies.findIndex((copy) => copy.number === number)),
  split: (split) => { $("split").value = split; },
  zoom: (scale) => { if (open) $("zoom-level").textContent = `${Math.round(scale * 100)} %`; },
});

// ---- Asking the server

async function ask(path, body) {
  try {
    return await asking.ask(path, body);
  } catch (error) {
    if (error.status === 409) lament(error.message);
    throw error;
  }
}

// What is shown here is no longer true; nothing can be done with it.
function lament(text) {
  stale = Boolean(text);
  $("stale").hidden = !stale;
  $("stale").textContent = text;
}

const show = (image, kind, number) => asking.show(image, `/${kind}/${number}`);

async function poll() {
  if (ended) return;
  try {
    if (!document.hidden) {
      const answer = await ask(`/api/state/${told}`);
      if (ended) return;
      if (stale) lament("");
      told += answer.told.length;
      judged = answer.done && !answer.told.length;
      for (const one of answer.told) suggestions.set(one.group, one);
      adopt(answer, answer.told.length > 0);
      $("judging").hidden = judged;
      $("judging").textContent = `Judging ${Math.min(told, groups.length).toLocaleString("en")} of ${groups.length.toLocaleString("en")}`;
      setTimeout(poll, judged ? 2500 : answer.told.length >= 1000 ? 50 : 700);
      return;
    }
  } catch (error) {
    if (!stale) say(error.message, true);
  }
  setTimeout(poll, 3000);
}

function adopt(answer, more = false) {
  const before = JSON.stringify(editions), after = JSON.stringify(answer.editions);
  if (answer.states === states && before === after && !more) return;
  states = answer.states;
  if (before !== after) adoptEditions(answer.editions);
  refresh();
}

// Other pictures lie in the places of some copies: what was known of their groups is void.
function adoptEditions(fresh) {
  const changed = Object.keys({ ...editions, ...fresh }).filter((number) => editions[number] !== fresh[number]);
  editions = fresh;
  for (const number of changed) facts.delete(copies[number]?.group);
  grid.clear();
  drawGrid();
  const group = open;
  if (!group || !changed.some((number) => copies[number].group === group.number)) return;
  makeStrip();
  learn(group).then(() => { if (open === group) { showStage(); dressGroup(); } }, (error) => say(error.message, true));
}

// ---- Words

const bytes = (size) => size >= 1e9 ? `${(size / 1e9).toFixed(2)} GB` : size >= 1e6 ? `${(size / 1e6).toFixed(size < 1e7 ? 1 : 0)} MB` : `${Math.ceil(size / 1e3)} kB`;
const counted = (number, one, many = `${one}s`) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
const letter = (position) => position < 26 ? String.fromCharCode(65 + position) : `${letter(Math.floor(position / 26) - 1)}${letter(position % 26)}`;
const letterOf = (group, number) => letter(group.copies.findIndex((copy) => copy.number === number));
let root = ""; // the folder that all originals lie in
const short = (path) => path.startsWith(root) ? path.slice(root.length) : path;
const base = (path) => path.slice(path.lastIndexOf("/") + 1);
const isGone = (copy) => states[copy.number] in MISSING;
const isLeft = (copy) => states[copy.number] === THERE || states[copy.number] === EDITED;
const listed = (names) => names.length > NAMED ? `${names.slice(0, NAMED).join(", ")} and ${names.length - NAMED} more` : names.join(", ");

let quiet = 0;
function say(text, bad = false) {
  if (ended) return;
  $("live").textContent = text;
  $("toast").textContent = text;
  $("toast").className = bad ? "toast bad" : "toast";
  $("toast").hidden = false;
  clearTimeout(quiet);
  quiet = setTimeout(() => { $("toast").hidden = true; }, bad ? 7000 : 2600);
}

// ---- The list of groups

function removalsOf(group) {
  return group.copies.filter(isGone);
}

function doomedOf(group) {
  const suggestion = suggestions.get(group.number);
  if (!suggestion) return [];
  return suggestion.removals.filter(([number, keeper]) => states[number] === THERE && states[keeper] === THERE);
}

const FILTERS = {
  all: () => true,
  unreviewed: (group) => !seen.has(group.number) && !removalsOf(group).length,
  undecided: (group) => !removalsOf(group).length,
  removals: (group) => removalsOf(group).length > 0,
};
const gain = (group) => {
  const removals = suggestions.get(group.number)?.removals;
  return (removals ?? []).reduce((sum, [number]) => sum + copies[number].size, 0);
};
const certainty = (group) => group.links.length ? Math.min(...group.links.map((link) => link.correlation - link.distance / 1000)) : 2;
const written = (group) => new Date(Math.min(...group.copies.map((copy) => copy.mtime)) * 1000).toISOString().replace("T", " ");
const taken = (group) => suggestions.get(group.number)?.taken || written(group);
const ORDERS = {
  number: (group) => group.number,
  gain: (group) => -gain(group),
  certain: (group) => -certainty(group),
  uncertain: certainty,
  path: (group) => group.copies[0].path,
  date: taken,
};

function relist(keep = list[at]) {
  const key = ORDERS[$("sort").value];
  const keyed = groups.filter(FILTERS[$("filter").value]).map((group) => [key(group), group]);
  keyed.sort(([a, one], [b, other]) => (a < b ? -1 : a > b ? 1 : one.number - other.number));
  list = keyed.map(([, group]) => group);
  at = Math.max(0, list.indexOf(keep));
  $("shown").textContent = list.length === groups.length ? "" : `${counted(list.length, "group")} shown`;
  $("nothing").hidden = list.length > 0;
  grid.clear();
  drawGrid();
}

function refresh() {
  let gone = 0, size = 0;
  for (const group of groups) {
    if (!group.copies.some(isLeft)) continue; // its originals stay
    for (const copy of group.copies) if (states[copy.number] === "g") { gone += 1; size += copy.size; }
  }
  const place = open ? `group ${at + 1} of ${list.length.toLocaleString("en")}` : counted(groups.length, "group");
  $("counts").textContent = `${place} · ${gone.toLocaleString("en")} to remove · ${bytes(size)}`;
  $("title").textContent = open ? `Group ${open.number}` : "Review";
  document.title = open ? `Group ${open.number} – Review` : "Review";
  $("undo").disabled = !undoable.length;
  if (open) dressGroup();
  else grid.refresh();
}

// ---- The grid: only the rows that are seen exist

const grid = {
  tiles: new Map(),
  columns: 1,
  clear() {
    for (const tile of this.tiles.values()) tile.remove();
    this.tiles.clear();
  },
  refresh() {
    const focused = $("grid").contains(document.activeElement);
    for (const [position, tile] of this.tiles) {
      const keeper = suggestions.get(list[position]?.number)?.keeper ?? null;
      if (keeper === null || tile.querySelector(`[data-number="${keeper}"]`)) dressTile(tile.firstChild, list[position]);
      else { tile.remove(); this.tiles.delete(position); } // it shows the keeper from now on
    }
    drawGrid();
    if (focused) markCurrent(true);
  },
};

const thumbs = { waiting: [], running: new Set(), scrolled: 0, timer: 0 };

function loadThumb(image, number) {
  thumbs.waiting.push([image, number]);
  clearTimeout(thumbs.timer);
  thumbs.timer = setTimeout(pump); // when it is in the page
}

function pump() {
  clearTimeout(thumbs.timer);
  const still = performance.now() - thumbs.scrolled;
  if (still < 90) {
    thumbs.timer = setTimeout(pump, 95 - still);
    return;
  }
  for (const image of thumbs.running) if (!image.isConnected) { asking.forget(image); thumbs.running.delete(image); }
  while (thumbs.running.size < LOADERS && thumbs.waiting.length) {
    const [image, number] = thumbs.waiting.shift();
    if (!image.isConnected) continue;
    thumbs.running.add(image);
    const done = () => { if (thumbs.running.delete(image)) pump(); };
    show(image, "thumb", number).then(done, done);
  }
}

function drawGrid() {
  if ($("grid-view").hidden) return;
  const room = $("scroller"), wide = $("grid").clientWidth || 1;
  const columns = Math.max(1, Math.floor(wide / TILE.least));
  if (columns !== grid.columns || wide !== grid.wide) grid.clear();
  Object.assign(grid, { columns, wide });
  $("grid").style.height = `${Math.ceil(list.length / columns) * TILE.height}px`;
  const first = Math.max(0, Math.floor(room.scrollTop / TILE.height) - TILE.ahead) * columns;
  const rows = Math.ceil(room.clientHeight / TILE.height) + 2 * TILE.ahead + 1;
  const last = Math.min(list.length, first + rows * columns);
  for (const [position, tile] of grid.tiles) {
    if (position < first || position >= last) { tile.remove(); grid.tiles.delete(position); }
  }
  const fresh = [];
  for (let position = first; position < last; position += 1) {
    if (grid.tiles.has(position)) continue;
    const tile = makeTile(list[position], position, wide / columns);
    grid.tiles.set(position, tile);
    fresh.push(tile);
  }
  $("grid").append(...fresh);
  markCurrent();
}

function makeTile(group, position, width) {
  const button = make("button", { className: "tile", tabIndex: -1, data: { position } });
  const item = make("li", {}, button);
  item.setAttribute("aria-setsize", list.length);
  item.setAttribute("aria-posinset", position + 1);
  item.style.width = `${width}px`;
  item.style.height = `${TILE.height}px`;
  item.style.transform = `translate(${(position % grid.columns) * width}px, ${Math.floor(position / grid.columns) * TILE.height}px)`;
  const keeper = suggestions.get(group.number)?.keeper;
  const order = [...group.copies].sort((a, b) => (b.number === keeper) - (a.number === keeper) || a.number - b.number);
  const cells = order.slice(0, 4).map((copy) => {
    const image = make("img", { alt: "", decoding: "async" });
    loadThumb(image, copy.number);
    return make("span", { className: "cell", data: { number: copy.number } }, image);
  });
  const rest = group.copies.length - cells.length;
  if (rest) cells.at(-1).append(make("span", { className: "more", textContent: `+${rest}` }));
  button.append(make("span", { className: "pictures" }, ...cells), make("span", { className: "words" }), make("span", { className: "where", title: group.copies[0].path }));
  button.addEventListener("click", () => openGroup(position));
  dressTile(button, group);
  return item;
}

function dressTile(button, group) {
  if (!group) return;
  const gone = removalsOf(group).length, suggestion = suggestions.get(group.number);
  const size = group.copies.reduce((sum, copy) => sum + copy.size, 0);
  for (const cell of button.querySelectorAll(".cell")) {
    cell.classList.toggle("gone", states[cell.dataset.number] in MISSING);
    const keeper = Number(cell.dataset.number) === suggestion?.keeper;
    cell.classList.toggle("keeper", keeper);
    if (keeper && !cell.querySelector(".kept")) cell.append(make("span", { className: "kept", textContent: "keep" }));
    if (!keeper) cell.querySelector(".kept")?.remove();
  }
  const words = [make("span", { className: "name", textContent: base(group.copies[0].path) })];
  const chip = (textContent, kind = "") => words.push(make("span", { className: `chip ${kind}`, textContent }));
  if (gone) chip(`−${gone}`, "bad");
  if (suggestion?.burst) chip("burst", "warn");
  else if (suggestion && suggestion.keeper === null) chip(suggestion.reason.startsWith("a tie") ? "tie" : "yours");
  if (!gone && doomedOf(group).length) chip(`−${doomedOf(group).length} suggested`);
  if (group.copies.some((copy) => copy.damaged && isLeft(copy))) chip("damaged", "warn");
  if (seen.has(group.number)) chip("seen");
  button.querySelector(".where").replaceChildren(...words);
  button.querySelector(".words").replaceChildren(make("b", { textContent: group.number }), make("span", { className: "muted", textContent: `${counted(group.copies.length, "picture")} · ${bytes(size)}` }));
  const about = [`Group ${group.number}`, counted(group.copies.length, "picture"), bytes(size)];
  if (gone) about.push(`${gone} removed`);
  if (suggestion) about.push(suggestion.keeper === null ? `no suggestion: ${suggestion.reason}` : `a suggestion: ${suggestion.reason}`);
  button.setAttribute("aria-label", `${about.join(", ")}; ${base(group.copies[0].path)}`);
}

function markCurrent(focus = false) {
  const current = grid.tiles.has(at) ? at : Math.min(...grid.tiles.keys());
  for (const [position, tile] of grid.tiles) tile.firstChild.tabIndex = position === current ? 0 : -1;
  if (focus) grid.tiles.get(at)?.firstChild.focus({ preventScroll: true });
}

function goTo(position) {
  at = Math.max(0, Math.min(list.length - 1, position));
  const top = Math.floor(at / grid.columns) * TILE.height, room = $("scroller");
  if (top < room.scrollTop) room.scrollTop = top;
  else if (top + TILE.height > room.scrollTop + room.clientHeight) room.scrollTop = top + TILE.height - room.clientHeight;
  drawGrid();
  markCurrent(true);
}

// ---- One group

function openGroup(position, remember = true) {
  const group = list[position];
  if (!group) return;
  at = position;
  const first = !open;
  open = group;
  chosen = 0;
  if (remember) history[first ? "pushState" : "replaceState"]({ group: group.number }, "", `#${group.number}`);
  $("grid-view").hidden = true;
  $("group-view").hidden = $("back").hidden = false;
  $("group-view").scrollTop = 0;
  if (!seen.has(group.number)) {
    seen.add(group.number);
    ask("/api/seen", { groups: [group.number] }).catch((error) => say(error.message, true));
  }
  makeStrip();
  $("table-room").replaceChildren();
  stage.clear();
  refresh();
  if (!$("group-view").contains(document.activeElement)) $("strip").querySelector("button")?.focus({ preventScroll: true });
  $("live").textContent = `Group ${group.number}, ${counted(group.copies.length, "picture")}`;
  learn(group).then(() => {
    if (open !== group) return;
    const keeper = group.copies.findIndex((copy) => copy.number === suggestions.get(group.number)?.keeper);
    choose(keeper >= 0 && group.copies.length > 1 ? (keeper + 1) % group.copies.length : 0);
    if (list[position + 1]) learn(list[position + 1]).catch(() => {});
  }, (error) => say(error.message, true));
}

async function learn(group) {
  if (facts.has(group.number)) return;
  const asked = contentsOf(group);
  const answer = await ask(`/api/facts/${group.number}`);
  if (contentsOf(group) !== asked) { await learn(group); return; } // a copy was edited meanwhile
  facts.set(group.number, answer.facts);
  turns.set(group.number, answer.turns);
  suggestions.set(group.number, answer.suggestion);
  if (facts.size > 60) facts.delete(facts.keys().next().value);
}

const contentsOf = (group) => group.copies.map((copy) => editions[copy.number] ?? "").join();

function closeGroup() {
  open = null;
  stage.clear();
  $("group-view").hidden = $("back").hidden = true;
  $("grid-view").hidden = false;
  const keep = list[at];
  relist(keep);
  goTo(at);
  refresh();
}

function move(step) {
  if (list[at + step]) openGroup(at + step);
  else say(step > 0 ? "This is the last group." : "This is the first group.");
}

function nextUnreviewed() {
  const unseen = (group) => FILTERS.unreviewed(group);
  const order = [...list.slice(open ? at + 1 : at), ...list.slice(0, at)];
  const next = order.find(unseen);
  if (next) openGroup(list.indexOf(next));
  else say("Every group that is shown has been looked at.");
}

function choose(position, focus = true) {
  chosen = Math.max(0, Math.min(open.copies.length - 1, position));
  showStage();
  dressGroup();
  if (focus) $("strip").querySelectorAll(".pick")[chosen]?.focus({ preventScroll: true });
  const one = $("strip").children[chosen], room = $("strip");
  if (one.offsetLeft < room.scrollLeft) room.scrollLeft = one.offsetLeft;
  else if (one.offsetLeft + one.offsetWidth > room.scrollLeft + room.clientWidth) room.scrollLeft = one.offsetLeft + one.offsetWidth - room.clientWidth;
}

function reference() {
  const keeper = suggestions.get(open.number)?.keeper;
  const position = open.copies.findIndex((copy) => copy.number === keeper);
  if (position >= 0) return position;
  return Math.max(0, open.copies.findIndex((copy) => !isGone(copy)));
}

function showStage() {
  const known = facts.get(open.number);
  if (!known) return;
  stage.show({
    chosen,
    reference: reference(),
    turns: turns.get(open.number) ?? [],
    pictures: open.copies.map((copy, position) => ({
      number: copy.number,
      edition: editions[copy.number] ?? "",
      show: (image, kind) => show(image, kind, copy.number),
      letter: letter(position),
      gone: MISSING[states[copy.number]],
      ...known[copy.number],
    })),
  });
}

function makeStrip() {
  $("strip").replaceChildren(...open.copies.map((copy, position) => {
    const name = letter(position);
    const image = make("img", { alt: "" });
    loadThumb(image, copy.number);
    const pick = make("button", { className: "pick", title: copy.path }, image, make("span", { className: "letter", textContent: name }), make("span", { className: "kept keep-mark", textContent: "keep", hidden: true }));
    pick.addEventListener("click", () => choose(position));
    const remove = make("button", { className: "remove", textContent: "Remove" });
    remove.addEventListener("click", () => { chosen = position; toggle(); });
    const keep = make("button", { className: "keep", textContent: "Only this" });
    keep.setAttribute("aria-label", `Keep only ${name}`);
    keep.addEventListener("click", () => { chosen = position; keepOnly(); });
    return make("div", { className: "one" }, pick, make("div", { className: "deeds" }, remove, keep));
  }));
}

function dressGroup() {
  [...$("strip").children].forEach((one, position) => {
    const copy = open.copies[position], name = letter(position), gone = isGone(copy);
    one.classList.toggle("gone", gone);
    one.classList.toggle("chosen", position === chosen);
    one.querySelector(".pick").setAttribute("aria-pressed", position === chosen);
    one.querySelector(".letter").classList.toggle("gone", gone);
    const mark = `${name}${damageOf(copy) ? ", damaged" : ""}`;
    one.querySelector(".letter").textContent = mark;
    one.querySelector(".pick").setAttribute("aria-label", `Picture ${mark}, ${base(copy.path)}`);
    const kept = copy.number === suggestions.get(open.number)?.keeper;
    one.querySelector(".keep-mark").hidden = !kept;
    const remove = one.querySelector(".remove");
    remove.textContent = gone ? "Restore" : "Remove";
    remove.setAttribute("aria-label", `${gone ? "Restore" : "Remove"} ${name}`);
  });
  showVerdict();
  showTable();
  markColumn();
  if (stage.shownStates !== stateKey()) { stage.shownStates = stateKey(); showStage(); }
}

// Of what lies there now, once it was looked at.
const damageOf = (copy) => facts.get(copy.group)?.[copy.number]?.damage;

const stateKey = () => open.copies.map((copy) => states[copy.number] + (editions[copy.number] ?? "")).join() + open.number + suggestions.get(open.number)?.keeper;

function linkInWords(pair, link) {
  const alike = link.correlation.toFixed(2);
  if (link.view === "embedding") return `Needs a look: only the network joins ${pair} (cosine ${alike})`;
  return `Weakest link: ${pair}, ${link.view}, ${link.distance} bits, correlation ${alike}`;
}

function showVerdict() {
  const suggestion = suggestions.get(open.number), room = [];
  const notes = [];
  const note = (textContent, kind = "") => notes.push(make("span", { className: `chip ${kind}`, textContent }));
  if (!suggestion) room.push(make("span", { className: "muted", textContent: "Judging …" }));
  else if (suggestion.keeper === null) {
    room.push(make("span", { textContent: `No suggestion: ${suggestion.reason}.` }));
  } else {
    room.push(sentenceOf(suggestion));
    const done = suggestion.removals.every(([number, keeper]) => isGone(copies[number]) && states[keeper] === THERE);
    const accept = make("button", { id: "accept", textContent: done ? "Accepted" : "Accept", disabled: done });
    if (!done) accept.className = "primary";
    accept.addEventListener("click", acceptSuggestion);
    room.push(accept);
  }
  for (const [number, keeper, , loses] of suggestion?.removals ?? []) {
    if (loses.length) note(`Only ${letterOf(open, number)} has ${loses.join(", ")}; ${letterOf(open, keeper)} has not`, "warn");
  }
  for (const copy of open.copies) if (damageOf(copy)) note(`${letterOf(open, copy.number)} is damaged: ${damageOf(copy)}`, "warn");
  if (suggestion?.burst) note("A burst, or it may be one: shots seconds apart", "warn");
  if (open.copies.some((copy) => states[copy.number] === "m")) note("A copy was moved or renamed: its original stays", "warn");
  if (open.copies.some((copy) => states[copy.number] === "o")) note("A folder or a link lies in a copy's place", "warn");
  if (!open.copies.some(isLeft)) note("No copy is left: the originals stay, unless check-deleted is told --allow-whole-groups", "warn");
  if (open.copies.some((copy) => states[copy.number] === EDITED)) note("A copy was edited since find; it is left as it is", "warn");
  if (new Set(open.copies.map((copy) => copy.digest)).size === 1) note("All files are identical", "good");
  for (const text of joinedThrough(open, suggestion?.keeper ?? open.copies[0].number)) note(text);
  const weakest = open.links.at(-1);
  if (weakest) note(linkInWords(`${letterOf(open, weakest.left)}–${letterOf(open, weakest.right)}`, weakest));
  if (notes.length) room.push(make("div", { className: "notes" }, ...notes));
  $("verdict").replaceChildren(...room);
}

// What is kept and what is given up for it; of several pictures each with its own keeper.
function sentenceOf(suggestion) {
  const byKeeper = new Map([[suggestion.keeper, []]]);
  for (const [number, keeper] of suggestion.removals) byKeeper.set(keeper, [...(byKeeper.get(keeper) ?? []), number]);
  const sentence = make("span", {}, "Suggestion: ");
  for (const [keeper, doomed] of byKeeper) {
    if (keeper !== suggestion.keeper) sentence.append(" Of another picture ");
    sentence.append("keep ", make("b", { textContent: letterOf(open, keeper) }));
    if (keeper === suggestion.keeper) sentence.append(`: ${suggestion.reason}`);
    const names = doomed.sort((a, b) => a - b).map((number) => letterOf(open, number));
    sentence.append(`${keeper === suggestion.keeper ? ". Give" : ", give"} up ${listed(names)}.`);
  }
  return sentence;
}

// Pictures that the links join to another one only through others, by a link that is not close.
function joinedThrough(group, from) {
  const shown = [];
  for (const { number } of group.copies) {
    const way = number === from ? null : wayBetween(group, from, number);
    if (!way || way.length < 3 || shown.length > 2) continue;
    const steps = linksOn(group, way);
    if (steps.every((one) => one.distance <= CLOSE)) continue;
    const through = way.slice(1, -1).map((place) => letterOf(group, place)).join(", ");
    shown.push(`${letterOf(group, from)} and ${letterOf(group, number)} only through ${through}`);
  }
  return shown;
}

function linksOn(group, way) {
  const pair = (a, b) => [copies[a].digest, copies[b].digest].sort().join();
  const link = (a, b) => group.links.find((one) => pair(one.left, one.right) === pair(a, b));
  return way.slice(1).map((place, step) => link(way[step], place)).filter(Boolean);
}

function wayBetween(group, from, to) {
  const ways = [[from]], known = new Set([from]);
  const digest = (number) => copies[number].digest;
  while (ways.length) {
    const way = ways.shift(), last = way.at(-1);
    if (last === to || digest(last) === digest(to)) return last === to ? way : [...way.slice(0, -1), to];
    for (const { left, right } of group.links) {
      for (const [here, there] of [[left, right], [right, left]]) {
        if (digest(here) === digest(last) && !known.has(there)) { known.add(there); ways.push([...way, there]); }
      }
    }
  }
  return null;
}

function apart(group, number, keeper) {
  if (keeper === null || keeper === undefined) return "";
  if (number === keeper) return "itself";
  if (copies[number].digest === copies[keeper].digest) return "identical file";
  const way = wayBetween(group, number, keeper);
  if (!way) return "";
  const steps = linksOn(group, way);
  const through = way.slice(1, -1).map((place) => letterOf(group, place));
  if (through.length > 1) return `through ${listed(through)}`;
  const text = steps.map((one) => `${one.distance} bits${one.view === "whole" ? "" : ` (${one.view})`}`).join(" + ");
  return through.length ? `${text}, through ${through[0]}` : text;
}

// ---- The table

const ROWS = [
  ["Pixels", (f) => `${f.width} × ${f.height}`, (f) => f.pixels],
  ["Format", (f) => f.format + (f.lossless ? ", lossless" : ""), (f) => Number(f.lossless)],
  ["Compression", (f) => f.few_colours ? "few colours" : f.lossless ? "none" : f.quality ? `JPEG quality ${f.quality}` : "lossy", (f) => f.few_colours ? 0 : f.lossless ? 101 : f.quality],
  ["Bytes", (f) => bytes(f.size)],
  ["Taken", (f) => (f.taken || "–").slice(0, 19), (f) => f.taken ? -Date.parse(f.taken.slice(0, 19).replace(" ", "T")) : null],
  ["Camera", (f) => f.camera || "–"],
  ["GPS", (f) => f.gps ? "yes" : "no", (f) => Number(f.gps)],
  ["Sharpness", (f) => f.sharpness.toFixed(1), (f) => f.sharpness, 1.1],
  ["Rating", (f) => f.rating ? "★".repeat(Math.min(5, f.rating)) : "–", (f) => f.rating, 1, (f) => f.rating],
  ["Damage", (f) => f.damage || "–", (f) => f.damage ? 0 : 1, 1, (f) => f.damage],
  ["Holds", (f) => f.holds.join("; ") || "–", undefined, 1, (f) => f.holds.length],
];

function showTable() {
  const known = facts.get(open.number);
  if (!known) return;
  const key = stateKey();
  if ($("table-room").firstChild && $("table-room").dataset.key === key) return;
  $("table-room").dataset.key = key;
  const head = make("tr", {}, make("td"), ...open.copies.map((copy, position) => {
    const cell = make("th", { scope: "col", textContent: letter(position) });
    if (copy.number === suggestions.get(open.number)?.keeper) cell.append(" ", make("span", { className: "chip good", textContent: "keep" }));
    if (isGone(copy)) cell.append(" ", make("span", { className: "chip bad", textContent: MISSING[states[copy.number]] }));
    if (states[copy.number] === "o") cell.append(" ", make("span", { className: "chip warn", textContent: "no file" }));
    if (states[copy.number] === EDITED) cell.append(" ", make("span", { className: "chip warn", textContent: "edited" }));
    return cell;
  }));
  const body = make("tbody", {}, row("Path", pathCells()));
  for (const [title, text, value, margin = 1, rare] of ROWS) {
    const all = open.copies.map((copy) => known[copy.number]);
    if (rare && all.every((one) => one.unseen || !rare(one))) continue;
    body.append(row(title, marked(all, text, value, margin)));
  }
  const keeper = suggestions.get(open.number)?.keeper ?? open.copies[0].number;
  if (open.links.length) body.append(row(`From ${letterOf(open, keeper)}`, open.copies.map((copy) => make("td", { textContent: apart(open, copy.number, keeper) || "–" }))));
  $("table-room").replaceChildren(make("table", {}, make("thead", {}, head), body));
  markColumn();
}

// The chosen picture's column, in sight beside the titles.
function markColumn() {
  const room = $("table-room");
  for (const line of room.querySelectorAll("tr")) {
    [...line.children].forEach((cell, place) => cell.classList.toggle("chosen", place === chosen + 1));
  }
  const cell = room.querySelector("thead .chosen"), titles = room.querySelector("tbody th");
  if (!cell || !titles) return;
  const left = cell.offsetLeft - titles.offsetWidth - 16, right = cell.offsetLeft + cell.offsetWidth + 16;
  if (left < room.scrollLeft) room.scrollLeft = left;
  else if (right > room.scrollLeft + room.clientWidth) room.scrollLeft = right - room.clientWidth;
}

function row(title, cells) {
  return make("tr", {}, make("th", { scope: "row", textContent: title }), ...cells);
}

function marked(all, text, value, margin) {
  const values = all.map((one) => one.unseen || !value ? null : value(one));
  const real = values.filter((one) => one !== null && one !== undefined);
  const most = Math.max(...real), least = Math.min(...real);
  const differ = real.length > 1 && (margin > 1 ? least * margin < most : least < most);
  return all.map((one, place) => {
    if (one.unseen) return make("td", { className: "muted", textContent: "?" });
    const mine = values[place];
    const good = margin > 1 ? mine * margin >= most : mine === most;
    const known = differ && mine !== null && mine !== undefined;
    return make("td", {}, make("span", { className: known ? (good ? "best" : "worse") : "", textContent: text(one) }));
  });
}

function pathCells() {
  const paths = open.copies.map((copy) => copy.path);
  let start = 0;
  while (start < paths[0].length && paths.every((path) => path[start] === paths[0][start])) start += 1;
  start = paths[0].lastIndexOf("/", start) + 1;
  const shortest = Math.min(...paths.map((path) => path.length));
  let end = 0;
  while (end < shortest - start && paths.every((path) => path.at(-1 - end) === paths[0].at(-1 - end))) end += 1;
  return paths.map((path) => {
    const shared = short(path).slice(0, Math.max(0, short(path).length - (path.length - start)));
    const cell = make("td", { className: "path", title: path }, make("span", { className: "muted", textContent: shared }));
    const middle = path.slice(start, path.length - end);
    if (middle && paths.length > 1) cell.append(make("mark", { textContent: middle }));
    cell.append(path.slice(path.length - end));
    return cell;
  });
}

// ---- Removing and restoring

// remove: pairs of a copy and the one that must be there afterwards, or null; restore: copies.
async function change({ remove = [], restore = [], byRule = false }, words) {
  const step = { remove: [], restore: [] }; // what undoes it
  const refused = [];
  const total = remove.length + restore.length;
  try {
    for (let start = 0; start < total || !start; start += AT_ONCE) {
      const part = {
        restore: restore.slice(start, start + AT_ONCE),
        remove: remove.slice(Math.max(0, start - restore.length), Math.max(0, start - restore.length + AT_ONCE - Math.max(0, Math.min(AT_ONCE, restore.length - start)))),
        by_rule: byRule,
      };
      const answer = await send(part);
      if (!answer) return null;
      for (const [kind, number] of answer.done) step[kind === "remove" ? "restore" : "remove"].push(number);
      refused.push(...answer.refused);
      if (total > AT_ONCE) say(`${Math.min(start + AT_ONCE, total).toLocaleString("en")} of ${total.toLocaleString("en")} …`);
      adopt(answer);
    }
    if (refused.length) {
      const [, number, reason] = refused[0];
      const more = refused.length > 1 ? ` (and ${refused.length - 1} more)` : "";
      say(`${base(copies[number].path)}: ${reason}${more}.`, true);
    } else {
      say(words);
    }
  } catch (error) {
    say(error.message, true);
    return { step, refused, failed: true };
  } finally {
    refresh();
  }
  return { step, refused };
}

async function send(part) {
  const answer = await ask("/api/change", part);
  if (!answer.would_empty) return answer;
  const which = answer.would_empty.length > 1 ? `groups ${answer.would_empty.join(", ")}` : `group ${answer.would_empty[0]}`;
  const sure = await confirmed(`Remove the last of ${which}?`, "No copy would be left. check-deleted leaves the originals of such groups alone, unless it is told --allow-whole-groups.", "Remove the last");
  return sure ? send({ ...part, may_empty: true }) : null;
}

// A step that was refused is remembered as well: to undo it changes nothing, and says so.
async function act(wanted, words) {
  const made = await change(wanted, words);
  if (made) remember([...undoable, made.step]);
  return made;
}

function remember(steps) {
  undoable = steps;
  try {
    sessionStorage.setItem("undo", JSON.stringify([run, undoable]));
  } catch { /* too many for a reload; they are still here */ }
  $("undo").disabled = !undoable.length;
}

function recall() {
  try {
    const [of, steps] = JSON.parse(sessionStorage.getItem("undo") ?? "[]");
    if (of === run) undoable = steps;
  } catch { /* nothing that we wrote */ }
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

// A step is forgotten once it is undone, or when undoing it was refused twice.
async function undo() {
  const step = undoable.at(-1);
  if (!step) { say("There is nothing to undo."); return; }
  const number = step.remove.length + step.restore.length;
  if (!number) {
    remember(undoable.slice(0, -1));
    say("The last step had changed nothing.");
    return;
  }
  const wanted = { remove: step.remove.map((one) => [one, null]), restore: step.restore };
  const made = await change(wanted, `Undone: ${counted(number, "copy", "copies")}.`);
  if (!made) return; // asked, and kept
  const undone = new Set([...made.step.remove, ...made.step.restore]);
  const rest = (numbers) => numbers.filter((one) => !undone.has(one));
  const remaining = { remove: rest(step.remove), restore: rest(step.restore), refused: !made.failed };
  const over = !made.failed && (!made.refused.length || step.refused);
  remember([...undoable.slice(0, -1), ...(over ? [] : [remaining])]);
}

function left(group) {
  return `${group.copies.filter(isLeft).length} of ${group.copies.length} left`;
}

async function toggle() {
  const group = open, copy = group.copies[chosen], name = letter(chosen);
  const kind = isGone(copy) ? "restore" : "remove";
  await act(kind === "remove" ? { remove: [[copy.number, null]] } : { restore: [copy.number] }, "");
  if (open === group && isGone(copy) === (kind === "remove")) say(`${name} ${kind}d. ${left(group)}.`);
}

function keepOnly() {
  const copy = open.copies[chosen];
  const rest = open.copies.filter((one) => one !== copy && !isGone(one)).map((one) => [one.number, copy.number]);
  return act({ restore: isGone(copy) ? [copy.number] : [], remove: rest }, `Only ${letter(chosen)} is kept.`);
}

function acceptSuggestion() {
  const suggestion = suggestions.get(open.number);
  if (!suggestion) { say("The group is still being judged."); return undefined; }
  if (suggestion.keeper === null) { say("There is no suggestion for this group."); return undefined; }
  const keepers = [...new Set(suggestion.removals.map(([, keeper]) => keeper))];
  const restore = keepers.filter((number) => isGone(copies[number]));
  const remove = suggestion.removals.filter(([number]) => !isGone(copies[number])).map(([number, keeper]) => [number, keeper]);
  if (!remove.length && !restore.length) { say("It is accepted already."); return undefined; }
  return act({ restore, remove, byRule: true }, `Accepted: ${letterOf(open, suggestion.keeper)} is kept.`);
}

// ---- Rules for many groups

const batch = { removals: [], ticket: 0 };

function openBatch() {
  const room = $("batch-rules");
  if (!room.children.length) {
    for (const [name, label] of rules) {
      room.append(make("label", {}, make("input", { type: "checkbox", value: name, checked: true }), label));
    }
  }
  $("batch-shown").textContent = `(${list.length.toLocaleString("en")})`;
  $("batch").showModal();
  planBatch();
}

async function planBatch() {
  const ticket = batch.ticket += 1;
  $("batch-yes").disabled = true;
  $("batch-list").replaceChildren();
  if (!judged) {
    $("batch-sum").textContent = `The pictures are still being judged: ${told.toLocaleString("en")} of ${groups.length.toLocaleString("en")} groups …`;
    setTimeout(() => { if ($("batch").open && ticket === batch.ticket) planBatch(); }, 500);
    return;
  }
  const chosenRules = [...$("batch-rules").querySelectorAll(":checked")].map((box) => box.value);
  const scope = $("batch").querySelector("[name=scope]:checked").value === "all" ? groups : list;
  try {
    const plan = await ask("/api/batch", { rules: chosenRules, groups: scope.map((group) => group.number) });
    if (ticket !== batch.ticket) return;
    batch.removals = plan.removals;
    const size = plan.removals.reduce((sum, [number]) => sum + copies[number].size, 0);
    const inGroups = new Set(plan.removals.map(([number]) => copies[number].group)).size;
    $("batch-sum").textContent = `${counted(plan.removals.length, "copy", "copies")} of ${counted(inGroups, "group")} would go, ${bytes(size)}. Left to you: ${counted(plan.left, "group")}.`;
    $("batch-list").replaceChildren(...plan.removals.slice(0, LISTED).map(([number, keeper, reason, loses]) => make("li", {},
      short(copies[number].path), make("span", { textContent: `: ${reason} beside ${short(copies[keeper].path)}${loses.length ? `; only it has ${loses.join(", ")}` : ""}` }))));
    if (plan.removals.length > LISTED) $("batch-list").append(make("li", { textContent: `… and ${(plan.removals.length - LISTED).toLocaleString("en")} more` }));
    $("batch-yes").textContent = `Remove ${counted(plan.removals.length, "copy", "copies")}`;
    $("batch-yes").disabled = !plan.removals.length;
  } catch (error) {
    $("batch-sum").textContent = error.message;
  }
}

async function applyBatch() {
  $("batch").close();
  const remove = batch.removals.map(([number, keeper]) => [number, keeper]);
  await act({ remove, byRule: true }, `${counted(remove.length, "copy", "copies")} removed. Undo brings all of them back.`);
  if (!open) relist();
}

// ---- The end

async function openFinish() {
  $("finish-sum").textContent = "Looking at the folders …";
  $("finish-list").replaceChildren();
  $("finish-notes").replaceChildren();
  $("finish-how").hidden = $("finish-command").hidden = true;
  $("finish").showModal();
  try {
    const plan = await ask("/api/plan");
    $("finish-sum").textContent = `${counted(plan.deleted.length, "original")}, ${bytes(plan.bytes)} to free.`;
    const touched = copies.some((copy) => states[copy.number] !== THERE);
    if (!plan.deleted.length) $("finish-sum").textContent = touched ? "Nothing would be deleted." : "Nothing: every group is as find left it.";
    $("finish-list").replaceChildren(...plan.deleted.slice(0, LISTED).map((path) => make("li", { textContent: short(path), title: path })));
    if (plan.deleted.length > LISTED) $("finish-list").append(make("li", { textContent: `… and ${(plan.deleted.length - LISTED).toLocaleString("en")} more` }));
    if (plan.losses.length) tellLosses(plan.losses);
    const note = (text) => $("finish-notes").append(make("p", { className: "muted", textContent: text }));
    if (plan.already) note(`Deleted already: ${counted(plan.already, "original")}.`);
    if (plan.moved.length) note(`${counted(plan.moved.length, "copy", "copies")} moved, renamed or edited: their originals stay.`);
    if (plan.whole_groups.length) note(`Groups with no copy left: ${plan.whole_groups.join(", ")}. Their originals stay (unless --allow-whole-groups).`);
    if (plan.strangers.length) note(`Files that may be edited copies: ${plan.strangers.join(", ")}.`);
    $("finish-how").hidden = $("finish-command").hidden = !plan.deleted.length;
    $("finish-command").textContent = `${plan.command}\n${plan.command.replace("check-deleted", "cleanup")}`;
  } catch (error) {
    $("finish-sum").textContent = error.message;
  }
}

// The lines of check-deleted, which leaves none out either.
function tellLosses(losses) {
  const title = `Only these hold something that what stays doesn't (${losses.length.toLocaleString("en")}):`;
  const lines = losses.map(([path, loses]) => make("li", { textContent: `${short(path)}: ${loses.join("; ")}`, title: path }));
  const list = make("ol", { className: "paths", tabIndex: 0 }, ...lines);
  list.setAttribute("aria-label", "What only these originals hold");
  $("finish-notes").append(make("p", {}, make("b", { textContent: title })), list);
}

// All of the page stays where it is, out of sight and asking for nothing: what is still under way
// may look for it.
async function end() {
  try {
    await ask("/api/end", {});
  } catch { /* it has ended already */ }
  ended = true;
  asking.leave();
  clearTimeout(quiet);
  open = null;
  stage.clear();
  thumbs.waiting = [];
  $("grid-view").hidden = $("group-view").hidden = true;
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
  for (const node of document.body.children) node.hidden = true;
  $("strip").replaceChildren();
  grid.clear();
  document.body.append(make("main", {}, make("p", { className: "nothing grow", textContent: "The review has ended. You may close this page." })));
}

// ---- Buttons and keys

function setMode(mode) {
  stage.setMode(stage.mode === mode ? "side" : mode);
  for (const button of document.querySelectorAll("[data-mode]")) button.setAttribute("aria-pressed", button.dataset.mode === stage.mode);
  $("slider-tool").hidden = stage.mode !== "slider";
  $("amplify-tool").hidden = stage.mode !== "difference";
}

function fullScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen().catch((error) => say(error.message, true));
}

const GROUP_KEYS = {
  ArrowLeft: () => choose(chosen - 1), ArrowRight: () => choose(chosen + 1),
  ArrowUp: () => move(-1), ArrowDown: () => move(1),
  x: toggle, k: keepOnly, a: acceptSuggestion,
  d: () => setMode("difference"), s: () => setMode("slider"), f: () => setMode("flip"),
  z: () => stage.toggleFull(), "+": () => stage.zoomBy(1.5), "=": () => stage.zoomBy(1.5), "-": () => stage.zoomBy(1 / 1.5), 0: () => stage.fit(),
  Escape: () => history.back(),
};
const GRID_KEYS = {
  ArrowLeft: () => goTo(at - 1), ArrowRight: () => goTo(at + 1),
  ArrowUp: () => goTo(at < grid.columns ? at : at - grid.columns), ArrowDown: () => goTo(at + grid.columns),
  Home: () => goTo(0), End: () => goTo(list.length - 1),
  PageUp: () => goTo(at - 3 * grid.columns), PageDown: () => goTo(at + 3 * grid.columns),
  Enter: () => openGroup(at),
};
const KEYS = { u: undo, n: nextUnreviewed, "?": showHelp };

function showHelp() {
  $("help").showModal();
  $("help").scrollTop = 0;
}

function pressed(event) {
  if (ended || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const target = event.target;
  if (target.matches("select, input:not([type=checkbox])") && event.key !== "Escape") return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (open && key === " ") {
    event.preventDefault();
    stage.hold(true);
    return;
  }
  if (key === "Enter" && target.matches("button:not(.tile)")) return;
  if (target.closest(".table-room") && key.startsWith("Arrow")) return;
  const deed = KEYS[key] ?? (open ? GROUP_KEYS : GRID_KEYS)[key];
  if (deed) {
    event.preventDefault();
    if (!event.repeat || key.startsWith("Arrow") || key.startsWith("Page")) deed();
  } else if (open && key >= "1" && key <= "9" && open.copies[key - 1]) {
    choose(key - 1);
  }
}

function listen() {
  document.addEventListener("keydown", pressed);
  document.addEventListener("keyup", (event) => {
    if (event.key !== " ") return;
    stage.hold(false);
    if (open && !document.querySelector("dialog[open]")) event.preventDefault(); // it is no click
  });
  window.addEventListener("blur", () => stage.hold(false));
  window.addEventListener("popstate", (event) => {
    if (ended) return;
    const group = byNumber.get(event.state?.group);
    if (group && list.includes(group)) openGroup(list.indexOf(group), false);
    else if (open) closeGroup();
  });
  let frame = 0;
  $("scroller").addEventListener("scroll", () => {
    thumbs.scrolled = performance.now();
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => { drawGrid(); pump(); });
  }, { passive: true });
  new ResizeObserver(drawGrid).observe($("scroller"));
  const click = (id, deed) => $(id).addEventListener("click", deed);
  for (const id of ["filter", "sort"]) $(id).addEventListener("change", () => { relist(); $("scroller").scrollTop = 0; drawGrid(); });
  click("back", () => history.back());
  click("undo", undo);
  click("open-batch", openBatch);
  click("open-finish", openFinish);
  click("open-help", showHelp);
  for (const button of document.querySelectorAll("[data-mode]")) button.addEventListener("click", () => { if (stage.mode !== button.dataset.mode) setMode(button.dataset.mode); });
  $("split").addEventListener("input", () => stage.setSplit(Number($("split").value)));
  $("amplify").addEventListener("change", () => stage.setAmplify(Number($("amplify").value)));
  click("zoom-out", () => stage.zoomBy(1 / 1.5));
  click("zoom-in", () => stage.zoomBy(1.5));
  click("zoom-fit", () => stage.fit());
  click("zoom-full", () => stage.toggleFull());
  click("full-screen", fullScreen);
  click("previous", () => move(-1));
  click("next", () => move(1));
  click("next-unreviewed", nextUnreviewed);
  click("ask-no", () => $("ask").close("no"));
  click("ask-yes", () => $("ask").close("yes"));
  click("batch-no", () => $("batch").close());
  click("batch-yes", applyBatch);
  $("batch").addEventListener("change", planBatch);
  click("finish-no", () => $("finish").close());
  click("finish-end", end);
  click("help-no", () => $("help").close());
}

function commonFolder(paths) {
  let folder = paths[0]?.slice(0, paths[0].lastIndexOf("/") + 1) ?? "";
  for (const path of paths) {
    while (!path.startsWith(folder)) folder = folder.slice(0, folder.lastIndexOf("/", folder.length - 2) + 1);
  }
  return folder;
}

async function start() {
  await asking.enter();
  const answer = await ask("/api/groups");
  rules = answer.rules;
  run = answer.run;
  asking.askAbout(run);
  recall();
  for (const number of answer.seen) seen.add(number);
  for (const one of answer.groups) {
    const group = {
      number: one.group,
      copies: one.copies.map(([number, path, size, mtime, digest, damaged]) => ({ number, path, size, mtime, digest, damaged, group: one.group })),
      links: one.links.map(([left, right, view, distance, correlation]) => ({ left, right, view, distance, correlation })),
    };
    for (const copy of group.copies) copies[copy.number] = copy;
    groups.push(group);
    byNumber.set(group.number, group);
  }
  root = commonFolder(copies.map((copy) => copy.path));
  ({ states, editions } = await ask("/api/state/0"));
  listen();
  relist();
  const asked = byNumber.get(Number(location.hash.slice(1)));
  history.replaceState(null, "", location.pathname);
  if (asked) openGroup(list.indexOf(asked));
  refresh();
  if (!asked) markCurrent(true);
  poll();
}

// The address of another review at this port, in the tab of this one.
window.addEventListener("hashchange", () => { if (location.hash.startsWith("#token=")) location.reload(); });
start().catch((error) => lament(error.message));
