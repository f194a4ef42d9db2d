// Pictures that were fetched before somebody looks at them, decoded and ready to be put in a place.

import { forget } from "./asking.js";
import { show } from "./calls.js";
import { make } from "./nodes.js";
import { editionOf } from "./result.js";

const MOST = { thumb: 120, preview: 24 }; // that wait; those that have waited longest go

const ready = { thumb: new Map(), preview: new Map() }; // what tells a picture from the next -> its image

const keyOf = (copy) => `${copy.number} ${editionOf(copy)}`;

// Fetches a picture, unless it is here; done once it has come or can't be shown.
export function fetchAhead(kind, copy) {
  const known = ready[kind].get(keyOf(copy));
  if (known) return known.shown;
  const image = make("img", { alt: "", decoding: "sync" }), one = { image, isLoaded: false };
  one.shown = show(image, kind, copy.number).then(
    () => { one.isLoaded = image.naturalWidth > 0; },
    () => { ready[kind].delete(keyOf(copy)); });
  put(kind, copy, one);
  return one.shown;
}

// Hands a picture over that has come, or nothing.
export function take(kind, copy) {
  const one = ready[kind].get(keyOf(copy));
  if (!one?.isLoaded) return null;
  ready[kind].delete(keyOf(copy));
  return one.image;
}

// Takes an image back that is no longer looked at.
export function giveBack(kind, copy, image) {
  put(kind, copy, { image, isLoaded: true, shown: Promise.resolve() });
}

function put(kind, copy, one) {
  const room = ready[kind];
  room.delete(keyOf(copy));
  room.set(keyOf(copy), one);
  if (room.size <= MOST[kind]) return;
  const [[oldest, { image }]] = room;
  forget(image);
  room.delete(oldest);
}
