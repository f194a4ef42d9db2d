// Paths as the page shows them: of those that begin and end alike what differs is marked.

import { make } from "./nodes.js";
import { short } from "./result.js";

// The nodes of each path.
export function markedPaths(paths) {
  const [start, end] = sharedEnds(paths);
  return paths.map((path) => {
    const shown = short(path), shared = shown.slice(0, Math.max(0, shown.length - (path.length - start)));
    const nodes = [make("span", { className: "muted", textContent: shared })];
    const middle = path.slice(start, path.length - end);
    if (middle && paths.length > 1) nodes.push(make("mark", { textContent: middle }));
    return [...nodes, path.slice(path.length - end)];
  });
}

// How much is alike at the beginning, in whole folders, and at the end, in whole names or extensions.
function sharedEnds(paths) {
  const [first] = paths, shortest = Math.min(...paths.map((path) => path.length));
  let start = 0, end = 0;
  while (start < first.length && paths.every((path) => path[start] === first[start])) start += 1;
  start = first.lastIndexOf("/", start) + 1;
  while (end < shortest - start && paths.every((path) => path.at(-1 - end) === first.at(-1 - end))) end += 1;
  const tail = first.slice(first.length - end), whole = tail.search(/[./]/);
  return [start, whole < 0 ? 0 : tail.length - whole];
}
