// Asking the server. The address that was opened holds a token that lets in once; what is got for
// it goes with every request, in a header, so that no other server of this machine is told it.

const underWay = new Map(); // images and other askers -> what stops their request
let secret = "";
let run = "";
let again = ""; // what is typed to look again
let left = false;

// The result that is asked about; the server refuses whoever shows another one.
export function askAbout(which, command) { run = which; again = command; }

const ended = () => Object.assign(new Error(`The review has ended. ${again ? `To look again, type: ${again}` : "Start it again in a terminal."}`), { isOver: true });

// Comes in by the address's token, which then is gone from the address, or as before a reload.
export async function enter() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  secret = recalled();
  if (token === null) return;
  history.replaceState(history.state, "", location.pathname);
  try {
    ({ secret } = await ask("/api/enter", { token }));
  } catch (error) {
    if (!secret) throw error; // else this tab has come in by it before
    return;
  }
  try {
    sessionStorage.setItem("secret", secret);
  } catch { /* then it is gone after a reload */ }
}

function recalled() {
  try {
    return sessionStorage.getItem("secret") ?? "";
  } catch {
    return "";
  }
}

export async function ask(path, body) {
  const asker = {};
  try {
    const response = await sent(asker, path, body);
    const answer = await response.json();
    if (!response.ok) throw Object.assign(new Error(answer.error), { status: response.status });
    return answer;
  } finally {
    underWay.delete(asker);
  }
}

async function sent(asker, path, body) {
  const stop = new AbortController(), headers = { "Review-Secret": secret, "Review-Run": run };
  const options = { headers, signal: stop.signal, cache: "no-store" };
  if (body) {
    Object.assign(options, { method: "POST", body: JSON.stringify(body) });
    headers["Content-Type"] = "application/json";
  }
  if (left) throw ended();
  underWay.set(asker, stop);
  return fetch(path, options).catch(() => { throw ended(); });
}

// Shows the picture at an address in an image when it has come, and until then what the image
// showed. What an image no longer waits for is never shown, and is no error.
export async function show(image, path) {
  forget(image);
  const answer = sent(image, path), mine = underWay.get(image);
  const isWanted = () => mine !== undefined && underWay.get(image) === mine;
  let address;
  try {
    const response = await answer, data = await response.blob();
    if (!response.ok) throw new Error(`${path} can't be shown`);
    if (!isWanted()) return;
    image.src = address = URL.createObjectURL(data);
    await image.decode();
  } catch (error) {
    if (isWanted()) throw error;
  } finally {
    URL.revokeObjectURL(address); // the image has it by now
    if (isWanted()) underWay.delete(image);
  }
}

// Lets an image wait for nothing any more.
export function forget(image) {
  underWay.get(image)?.abort();
  underWay.delete(image);
}

// Asks for nothing any more: the review has ended.
export function leave() {
  left = true;
  for (const stop of underWay.values()) stop.abort();
  underWay.clear();
}

export const hasLeft = () => left;
