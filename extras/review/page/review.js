// The page: the grid of groups, one group, rules for many, and the end.

import { fetchComing } from "./ahead.js";
import { askAbout, enter, hasLeft } from "./asking.js";
import { followButtons } from "./buttons.js";
import { ask } from "./calls.js";
import { followTools } from "./comparing.js";
import { follow, refresh } from "./following.js";
import { followChoices, followScrolling, markCurrent, relist } from "./grid.js";
import { closeGroup, openGroup } from "./group.js";
import { followKeys } from "./keys.js";
import { lament } from "./notices.js";
import { byNumber, fill, result } from "./result.js";
import { recall } from "./steps.js";
import { view } from "./view.js";

async function start() {
  await enter();
  fill(await ask("/api/groups"));
  askAbout(result.run, result.commands.review ?? "");
  recall();
  const { states, editions } = await ask("/api/state/0");
  Object.assign(result, { states, editions });
  followAll();
  relist();
  const asked = byNumber.get(Number(location.hash.slice(1)));
  history.replaceState(null, "", location.pathname);
  if (asked) openGroup(view.list.indexOf(asked));
  refresh();
  if (!asked) markCurrent(true);
  follow();
  if (!asked) fetchComing();
}

function followAll() {
  followKeys();
  followButtons();
  followTools();
  followChoices();
  followScrolling();
  window.addEventListener("popstate", (event) => { if (!hasLeft()) goWith(event.state); });
}

// Back and forth between groups and the grid.
function goWith(state) {
  const position = view.list.indexOf(byNumber.get(state?.group));
  if (position >= 0) openGroup(position, false);
  else if (view.open) closeGroup();
}

// The address of another review at this port, in the tab of this one.
window.addEventListener("hashchange", () => { if (location.hash.startsWith("#token=")) location.reload(); });
start().catch((error) => lament(error.message));
