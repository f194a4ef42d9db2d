// The table of a group of many pictures: a row for each, where few have a column each.

import { PAGE } from "./burst.js";
import { $, make } from "./nodes.js";
import { view } from "./view.js";

const WRAPPED = ["Path", "Damage", "Protected", "Beside it", "Holds"]; // what may be long

// Turns the table of a large group, and marks the row of the chosen picture.
export function dressRows() {
  const table = $("table-room").querySelector("table");
  if (!table || view.open.copies.length <= PAGE) return;
  const turned = table.matches(".by-rows") ? table : turn(table);
  [...turned.tBodies[0].rows].forEach((row, place) => row.classList.toggle("chosen", place === view.chosen));
  bringIntoSight(turned.tBodies[0].rows[view.chosen], turned.tHead.offsetHeight);
}

// Below the titles, which stay where they are.
function bringIntoSight(row, titles) {
  const room = $("table-room"), top = row.offsetTop - titles, bottom = row.offsetTop + row.offsetHeight;
  if (top < room.scrollTop) room.scrollTop = top;
  else if (bottom > room.scrollTop + room.clientHeight) room.scrollTop = bottom - room.clientHeight;
}

// Rows for columns, and columns for rows.
function turn(table) {
  const lines = [...table.rows].map((row) => [...row.cells]), [head, ...rest] = lines;
  for (const [title, ...cells] of rest) {
    if (!WRAPPED.includes(title.textContent)) for (const cell of cells) cell.classList.add("short");
  }
  const titles = make("tr", {}, make("td"), ...rest.map(([title]) => Object.assign(title, { scope: "col" })));
  const rows = head.slice(1).map((letter, place) => (
    make("tr", {}, Object.assign(letter, { scope: "row" }), ...rest.map((cells) => cells[place + 1]))));
  const turned = make("table", { className: "by-rows" }, make("thead", {}, titles), make("tbody", {}, ...rows));
  for (const cell of turned.querySelectorAll(".chosen")) cell.classList.remove("chosen");
  table.replaceWith(turned);
  return turned;
}
