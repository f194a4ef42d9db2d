// What is said to who looks: for a moment, or until it is true no longer.

import { hasLeft } from "./asking.js";
import { $ } from "./nodes.js";

const MOMENT = 2600, LONGER = 7000; // milliseconds, for what went well and what didn't

let quiet = 0;
let stale = false;

export function say(text, bad = false) {
  if (hasLeft()) return;
  $("live").textContent = text;
  $("toast").textContent = text;
  $("toast").className = bad ? "toast bad" : "toast";
  $("toast").hidden = false;
  clearTimeout(quiet);
  quiet = setTimeout(() => { $("toast").hidden = true; }, bad ? LONGER : MOMENT);
}

export const sayError = (error) => say(error.message, true);

// What is said is left as it is.
export const hush = () => clearTimeout(quiet);

// What is shown here is no longer true; nothing can be done with it.
export function lament(text) {
  stale = Boolean(text);
  $("stale").hidden = !stale;
  $("stale").textContent = text;
}

export const isStale = () => stale;
