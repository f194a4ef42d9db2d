// Calls of the server; one that is refused as the page shows another result, or that finds no server,
// is lamented.

import * as asking from "./asking.js";
import { lament } from "./notices.js";

export async function ask(path, body) {
  try {
    return await asking.ask(path, body);
  } catch (error) {
    if (error.status === 409 || error.isOver) lament(error.message);
    throw error;
  }
}

// kind: thumb, preview or full; or points, of two pictures
export const show = (image, kind, number) => asking.show(image, `/${kind}/${number}`);
