// The grid of groups, of which only the rows that are seen exist.

import { fetchSoon } from "./ahead.js";
import { $, make } from "./nodes.js";
import { groups } from "./result.js";
import { nothingToShow } from "./states.js";
import { noteScrolling, pump } from "./thumbnails.js";
import { dressTile, makeTile, showsKeeper } from "./tile.js";
import { arrange, view } from "./view.js";
import { counted } from "./words.js";

const TILE = { least: 236, height: 216, ahead: 2 };

export const grid = { columns: 1 };
const tiles = new Map(); // by the place of the group
let width = 0;

export function clearGrid() {
  for (const tile of tiles.values()) tile.remove();
  tiles.clear();
}

export function refreshGrid() {
  const focused = $("grid").contains(document.activeElement);
  for (const [position, tile] of tiles) {
    if (showsKeeper(tile, view.list[position])) dressTile(tile.firstChild, view.list[position]);
    else { tile.remove(); tiles.delete(position); } // it shows the keeper from now on
  }
  drawGrid();
  sayNothing();
  if (focused) markCurrent(true);
}

export function relist(keep = view.list[view.at]) {
  arrange($("filter").value, $("sort").value, keep);
  const { list } = view;
  $("shown").textContent = list.length === groups.length ? "" : `${counted(list.length, "group")} shown`;
  sayNothing();
  clearGrid();
  drawGrid();
}

// Why no group is shown, where none is; what to do next hangs on the copies that are removed.
function sayNothing() {
  $("nothing").hidden = view.list.length > 0;
  if (!view.list.length) $("nothing").replaceChildren(...nothingToShow($("filter").value));
}

export function drawGrid() {
  if ($("grid-view").hidden) return;
  const wide = $("grid").clientWidth || 1, columns = Math.max(1, Math.floor(wide / TILE.least));
  if (columns !== grid.columns || wide !== width) clearGrid();
  grid.columns = columns;
  width = wide;
  $("grid").style.height = `${Math.ceil(view.list.length / columns) * TILE.height}px`;
  const [first, last] = placesInSight();
  for (const [position, tile] of tiles) {
    if (position < first || position >= last) { tile.remove(); tiles.delete(position); }
  }
  $("grid").append(...freshTiles(first, last));
  markCurrent();
}

function placesInSight() {
  const room = $("scroller");
  const first = Math.max(0, Math.floor(room.scrollTop / TILE.height) - TILE.ahead) * grid.columns;
  const rows = Math.ceil(room.clientHeight / TILE.height) + 2 * TILE.ahead + 1;
  return [first, Math.min(view.list.length, first + rows * grid.columns)];
}

function freshTiles(first, last) {
  const fresh = [];
  for (let position = first; position < last; position += 1) {
    if (tiles.has(position)) continue;
    const item = make("li", {}, makeTile(view.list[position], position));
    putInPlace(item, position);
    tiles.set(position, item);
    fresh.push(item);
  }
  return fresh;
}

function putInPlace(item, position) {
  const { columns } = grid, across = width / columns;
  item.setAttribute("aria-setsize", view.list.length);
  item.setAttribute("aria-posinset", position + 1);
  item.style.width = `${across}px`;
  item.style.height = `${TILE.height}px`;
  const left = (position % columns) * across, top = Math.floor(position / columns) * TILE.height;
  item.style.transform = `translate(${left}px, ${top}px)`;
}

export function markCurrent(focus = false) {
  const current = tiles.has(view.at) ? view.at : Math.min(...tiles.keys());
  for (const [position, tile] of tiles) tile.firstChild.tabIndex = position === current ? 0 : -1;
  if (focus) tiles.get(view.at)?.firstChild.focus({ preventScroll: true });
}

export function goTo(position) {
  view.at = Math.max(0, Math.min(view.list.length - 1, position));
  const top = Math.floor(view.at / grid.columns) * TILE.height, bottom = top + TILE.height, room = $("scroller");
  if (top < room.scrollTop) room.scrollTop = top;
  else if (bottom > room.scrollTop + room.clientHeight) room.scrollTop = bottom - room.clientHeight;
  drawGrid();
  markCurrent(true);
  fetchSoon();
}

export function followScrolling() {
  let frame = 0;
  $("scroller").addEventListener("scroll", () => {
    noteScrolling();
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => { drawGrid(); pump(); });
  }, { passive: true });
  new ResizeObserver(drawGrid).observe($("scroller"));
}

export function followChoices() {
  const shown = () => { relist(); $("scroller").scrollTop = 0; drawGrid(); };
  for (const id of ["filter", "sort"]) $(id).addEventListener("change", shown);
}
