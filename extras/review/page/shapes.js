// Where pictures lie on the stage, and how large they are at first, by their shapes.

export const MOST_PANES = 4;
const TALL = 2.4; // times as high as wide: pages that were scrolled while they were taken
const MOST_ENLARGED = 8; // screen pixels for a picture's pixel, unless somebody zooms

// The places of the pictures that lie side by side: the chosen one, others, and what they are
// compared with, which stays in sight.
export function panesOf(length, chosen, reference) {
  const first = Math.max(0, Math.min(chosen - (chosen % MOST_PANES), length - MOST_PANES));
  const places = Array.from({ length: Math.min(MOST_PANES, length) }, (_, n) => first + n);
  if (places.includes(reference)) return places;
  places.splice(places.indexOf(chosen) === 0 ? places.length - 1 : 0, 1);
  return [reference, ...places];
}

export const isTall = ({ width, height }) => height >= TALL * width;

// In how many columns panes show the most of pictures of a shape; tall ones stand side by side.
export function columnsFor(count, shape, room) {
  if (isTall(shape)) return count;
  let best = count, most = 0;
  for (let rows = 1; rows <= count; rows += 1) {
    const columns = Math.ceil(count / rows), pane = { width: room.width / columns, height: room.height / rows };
    const { scale } = fitOf(shape, pane);
    if (scale > most * 1.01) [best, most] = [columns, scale];
  }
  return best;
}

// How a picture fits into a pane as a whole.
export function fitOf(picture, pane) {
  let scale = Math.min(pane.width / picture.width, pane.height / picture.height);
  if (!Number.isFinite(scale) || scale <= 0) scale = 1;
  return { scale, width: picture.width * scale, height: picture.height * scale };
}

// How pictures are shown until somebody zooms: 1 is all of a picture. Tall ones fill the width, and
// begin at their top; small ones are enlarged by whole pixels, but not by many.
export function homeOf(pictures, pane, density) {
  const fits = pictures.map((picture) => fitOf(picture, pane));
  const most = Math.max(...fits.map(({ scale }) => scale)) * density;
  if (most > MOST_ENLARGED) return { zoom: MOST_ENLARGED / most, y: 0.5 };
  const [first] = fits;
  if (!first || !isTall(pictures[0])) return { zoom: 1, y: 0.5 };
  const zoom = Math.max(1, Math.min(pane.width / first.width, 1 / most));
  return { zoom, y: Math.min(0.5, pane.height / (2 * first.height * zoom)) };
}
