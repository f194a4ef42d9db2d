// Thumbnails are asked for a few at a time, and none for who scrolls past.

import { forget } from "./asking.js";
import { show } from "./calls.js";
import { isTall } from "./shapes.js";

const ICON_SIDE = 64;
const LOADERS = 4; // thumbnails on their way
const STILL = 90; // milliseconds without scrolling

const running = new Set();
let waiting = [];
let scrolled = 0;
let timer = 0;

// place: in the queue of those that wait
export function loadThumb(image, number, place = waiting.length) {
  waiting.splice(place, 0, [image, number]);
  clearTimeout(timer);
  timer = setTimeout(pump); // when it is in the page
}

export function noteScrolling() {
  scrolled = performance.now();
}

export function loadNoMore() {
  waiting = [];
}

export function pump() {
  clearTimeout(timer);
  const still = performance.now() - scrolled;
  if (still < STILL) {
    timer = setTimeout(pump, STILL + 5 - still);
    return;
  }
  for (const image of running) if (!image.isConnected) { forget(image); running.delete(image); }
  while (running.size < LOADERS && waiting.length) {
    const [image, number] = waiting.shift();
    if (image.isConnected) load(image, number);
  }
}

// Icons are seen by their pixels, tall pictures from their top.
export function markShape(image) {
  const { naturalWidth: width, naturalHeight: height } = image;
  image.classList.toggle("icon", Math.max(width, height) <= ICON_SIDE);
  image.classList.toggle("tall", isTall({ width, height }));
}

function load(image, number) {
  running.add(image);
  const done = () => { markShape(image); if (running.delete(image)) pump(); };
  show(image, "thumb", number).then(done, done);
}
