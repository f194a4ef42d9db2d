// Changes, one after the other: each sees what the one before has made of the copies.

import { say } from "./notices.js";

let waiting = 0;
let last = Promise.resolve();

// Does something once all before it is done, however that ended; says so if somebody has to wait.
export function inTurn(deed, isAwaited = true) {
  if (waiting && isAwaited) say("One moment: the change before is still under way.");
  waiting += 1;
  const done = last.then(deed);
  last = done.catch(() => {}).finally(() => { waiting -= 1; });
  return done;
}

// Done when all that was asked for by now is, however that ended.
export const settled = () => last;
