// The last steps that were made here, so that they can be undone; a reload keeps them.

import { $ } from "./nodes.js";
import { result } from "./result.js";

let steps = [];

export const lastStep = () => steps.at(-1);

export function addStep(step) {
  remember([...steps, step]);
}

// Puts what remains of the last step in its place, or nothing.
export function replaceLast(...remaining) {
  remember([...steps.slice(0, -1), ...remaining]);
}

function remember(all) {
  steps = all;
  try {
    sessionStorage.setItem("undo", JSON.stringify([result.run, steps]));
  } catch { /* too many for a reload; they are still here */ }
  allowUndo();
}

export function recall() {
  try {
    const [run, all] = JSON.parse(sessionStorage.getItem("undo") ?? "[]");
    if (run === result.run) steps = all;
  } catch { /* nothing that we wrote */ }
  allowUndo();
}

function allowUndo() {
  $("undo").disabled = !steps.length;
}
