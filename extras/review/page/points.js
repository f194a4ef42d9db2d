// The points that lie on each other, of two pictures that local features have found.

import { forget } from "./asking.js";
import { show } from "./calls.js";
import { $ } from "./nodes.js";
import { say } from "./notices.js";
import { letterOf } from "./result.js";
import { view } from "./view.js";

const linksOf = (group) => group.links.filter((link) => link.view === "points");

export function dressPoints() {
  $("open-points").hidden = !linksOf(view.open).length;
}

// Those between the chosen picture and another one or, if it has none, the weakest link's.
export function openPoints() {
  const links = linksOf(view.open), chosen = view.open.copies[view.chosen].number;
  const link = links.findLast(({ left, right }) => left === chosen || right === chosen) ?? links.at(-1);
  if (!link) { say("No two pictures of this group were found by points."); return; }
  const [one, other] = [link.left, link.right].map((number) => letterOf(view.open, number));
  const text = (words) => { $("points-text").textContent = words; };
  text("Looking …");
  $("points-image").removeAttribute("src");
  $("points-image").alt = `Points of ${one} and ${other}, joined by lines`;
  $("points").showModal();
  const share = Math.round(link.correlation * 100);
  show($("points-image"), "points", `${link.left}/${link.right}`).then(
    () => text(`These points of ${one} lie on those of ${other}: ${share} % of the points where the two overlap.`),
    () => text(`The points of ${one} and ${other} can't be shown.`),
  );
}

export function followPoints() {
  $("open-points").addEventListener("click", openPoints);
  $("points-no").addEventListener("click", () => $("points").close());
  $("points").addEventListener("close", () => forget($("points-image")));
}
