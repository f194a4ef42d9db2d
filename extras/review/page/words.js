// Numbers, names and lists as the page says them.

const NAMED = 12; // letters in a sentence

export const grouped = (number) => number.toLocaleString("en");
export const counted = (number, one, many = `${one}s`) => `${grouped(number)} ${number === 1 ? one : many}`;
export const base = (path) => path.slice(path.lastIndexOf("/") + 1);

export function bytes(size) {
  if (size >= 1e9) return `${(size / 1e9).toFixed(2)} GB`;
  return size >= 1e6 ? `${(size / 1e6).toFixed(size < 1e7 ? 1 : 0)} MB` : `${Math.ceil(size / 1e3)} kB`;
}

// What a picture of a group is called by its place: A, B, ... Z, AA, AB.
export function letter(position) {
  if (position < 26) return String.fromCharCode(65 + position);
  return `${letter(Math.floor(position / 26) - 1)}${letter(position % 26)}`;
}

export function listed(names) {
  if (names.length <= NAMED) return names.join(", ");
  return `${names.slice(0, NAMED).join(", ")} and ${names.length - NAMED} more`;
}

// All of some names in a sentence.
export function allOf(names) {
  return names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)}` : names.join();
}

// The folder that all paths lie in, with its slash.
export function commonFolder(paths) {
  let folder = paths[0]?.slice(0, paths[0].lastIndexOf("/") + 1) ?? "";
  for (const path of paths) {
    while (!path.startsWith(folder)) folder = folder.slice(0, folder.lastIndexOf("/", folder.length - 2) + 1);
  }
  return folder;
}
