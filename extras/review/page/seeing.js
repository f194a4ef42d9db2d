// Which groups have been looked at: those that somebody has left or decided.

import { ask } from "./calls.js";
import { sayError } from "./notices.js";
import { settled } from "./queue.js";
import { seen } from "./result.js";

// The server is told once the changes before are done, as one that is refused takes the note back.
export function noteSeen(number) {
  if (seen.has(number)) return;
  seen.add(number);
  settled().then(() => (seen.has(number) ? ask("/api/seen", { groups: [number] }) : null)).catch(sayError);
}

// Of a group whose decision was refused.
export const noteUnseen = (number) => seen.delete(number);
