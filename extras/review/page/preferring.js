// The folders of which pictures are rather kept: chosen from those that occur, the best first.

import { $, make } from "./nodes.js";
import { makeLine, makeSortable } from "./ordering.js";
import { result, short } from "./result.js";
import { quoted } from "./states.js";
import { counted } from "./words.js";

let changed = () => {};

// The places of the chosen ones among the folders that the server has named.
export const preferred = () => [...$("batch-prefer").children].map((line) => Number(line.dataset.folder));

// Fills the list with what was preferred when the review began; `told` hears of every change.
export function followPreferred(told) {
  changed = () => { offer(); told(); };
  makeSortable($("batch-prefer"), changed);
  $("batch-folders").addEventListener("change", (event) => {
    event.stopPropagation();
    add(Number($("batch-folders").value));
    changed();
  });
  $("batch-prefer").addEventListener("click", ({ target }) => {
    if (!target.matches(".drop")) return;
    target.closest("li").remove();
    $("batch-folders").focus();
    changed();
  });
  for (const folder of result.prefer) add(folder);
  offer();
}

const nameOf = (folder) => short(`${result.folders[folder][0]}/`).replace(/(.)\/$/, "$1");

function add(folder) {
  const name = nameOf(folder), drop = make("button", { type: "button", className: "drop", textContent: "✕" });
  drop.setAttribute("aria-label", `Prefer ${name} no longer`);
  $("batch-prefer").append(makeLine(name, { folder }, make("span", { className: "path", textContent: name }), drop));
}

// Offers the folders that are not chosen yet.
function offer() {
  const chosen = new Set(preferred());
  const options = result.folders.flatMap(([, groups], folder) => (chosen.has(folder) ? [] : [
    make("option", { value: folder, textContent: `${nameOf(folder)} (in ${counted(groups, "group")})` })]));
  $("batch-folders").replaceChildren(make("option", { value: "", textContent: "Add a folder …", selected: true, disabled: true }), ...options);
  $("batch-folders").disabled = !options.length;
  $("batch-no-folder").hidden = chosen.size > 0;
}

// The same as text for a terminal; `usual` says whether all rules decide in their usual order.
export function showText(usual) {
  const flags = preferred().map((folder) => `--prefer ${quoted(result.folders[folder][0])}`);
  $("batch-text").hidden = !flags.length;
  $("batch-command").textContent = [result.commands.suggest, ...flags].join(" \\\n  ");
  $("batch-text-why").textContent = usual ? "with --apply it removes these copies." : "there all rules decide, in their usual order.";
}
