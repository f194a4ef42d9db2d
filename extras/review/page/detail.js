// Where two pictures differ most or, if they don't, where the first one is sharpest.

const SIDE = 512; // pixels that are looked at
const CELL = 16;
const LEAST = 1; // gray levels that a cell differs by, or they look the same

// images: the two as drawables with their matrices into a box of width and height 1. Returns the
// place as fractions of the picture, and whether they differ there.
export function detailOf(shape, one, other) {
  const scale = SIDE / Math.max(shape.width, shape.height);
  const width = Math.max(CELL, Math.round(shape.width * scale)), height = Math.max(CELL, Math.round(shape.height * scale));
  const gray = grayOf(one, width, height);
  const found = other && mostOf(differences(gray, grayOf(other, width, height)), width, height);
  if (found && found.most >= LEAST) return { ...found, differs: true };
  return { ...mostOf(edges(gray, width), width, height), differs: false };
}

function grayOf({ image, matrix }, width, height) {
  const canvas = new OffscreenCanvas(width, height), context = canvas.getContext("2d", { willReadFrequently: true });
  context.setTransform(new DOMMatrix([width, 0, 0, height, 0, 0]).multiply(matrix));
  context.drawImage(image, 0, 0, image.naturalWidth, image.naturalHeight);
  const { data } = context.getImageData(0, 0, width, height), gray = new Float32Array(width * height);
  for (let at = 0; at < gray.length; at += 1) gray[at] = 0.299 * data[4 * at] + 0.587 * data[4 * at + 1] + 0.114 * data[4 * at + 2];
  return gray;
}

// What remains when one is made as bright as the other.
function differences(one, other) {
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const brighter = mean(one) - mean(other);
  return one.map((value, at) => Math.abs(value - other[at] - brighter));
}

function edges(gray, width) {
  return gray.map((value, at) => Math.abs(value - (gray[at + 1] ?? value)) + Math.abs(value - (gray[at + width] ?? value)));
}

// The middle of the cell with the most, of cells that overlap by half.
function mostOf(values, width, height) {
  let found = { most: -1, x: 0.5, y: 0.5 };
  for (let top = 0; top + CELL <= height; top += CELL / 2) {
    for (let left = 0; left + CELL <= width; left += CELL / 2) {
      const most = meanOf(values, width, left, top);
      if (most > found.most) found = { most, x: (left + CELL / 2) / width, y: (top + CELL / 2) / height };
    }
  }
  return found;
}

function meanOf(values, width, left, top) {
  let sum = 0;
  for (let row = top; row < top + CELL; row += 1) {
    for (let at = row * width + left; at < row * width + left + CELL; at += 1) sum += values[at];
  }
  return sum / (CELL * CELL);
}
