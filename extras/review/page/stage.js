// The pictures of a group, compared: side by side, flipped in place, split, or as their difference.
// Zoom and place are shared: all panes show the same fraction of their pictures.

import { make } from "./nodes.js";
import { detailOf } from "./detail.js";
import { columnsFor, fitOf, homeOf, panesOf } from "./shapes.js";

const PREVIEW_SIDE = 1600;
const PIXELATED_FROM = 3; // screen pixels for a picture's pixel
const MOST_MAGNIFIED = 24;
const SAME_SHAPE = 0.02;

const TURNS = ["upright", "mirrored", "flipped", "turned by 180", "transposed", "turned by 90", "turned by 270", "transversed"];

// How a picture is turned within its box of this width and height, as CSS has it.
function turning(turn, width, height) {
  const [x, y] = turn >= 4 ? [[0, 1], [1, 0]] : [[1, 0], [0, 1]];
  const mirrored = [1, 3, 5, 7].includes(turn), flipped = [2, 3, 6, 7].includes(turn);
  const [a, c] = x.map((part) => (mirrored ? -part : part)), [b, d] = y.map((part) => (flipped ? -part : part));
  return `matrix(${a}, ${b}, ${c}, ${d}, ${mirrored ? width : 0}, ${flipped ? height : 0})`;
}

// What is loaded of a layer, and how it lies in a box of width and height 1.
function drawable({ image }, turn) {
  const { naturalWidth: width, naturalHeight: height } = image, [across, down] = turn >= 4 ? [height, width] : [width, height];
  return { image, matrix: new DOMMatrix([1 / across, 0, 0, 1 / down, 0, 0]).multiply(new DOMMatrix(turning(turn, across, down))) };
}

export class Stage {
  #root; #told; #panes = []; #shown = null; #pointers = new Map(); #moved = 0; #frame = 0; #held = false; #images = []; #isHome = true; #isAtTop = true; #homeZoom = 1;
  zoom = 1; // 1 fits the pane
  x = 0.5; // what fraction of the picture is in the middle of the pane
  y = 0.5;
  mode = "side";
  split = 50;
  amplify = 8;
  alone = false; // whether nothing is shown beside the chosen picture

  constructor(root, told) {
    this.#root = root;
    this.#told = told;
    new ResizeObserver(() => this.draw()).observe(root);
  }

  // pictures: [{number, letter, gone, width, height, unseen, ready, stand, show}]; chosen and
  // reference are positions, and so are `places`, if these alone lie side by side. `ready` hands an image over that has come, `stand` what is small of it.
  show(shown) {
    if (this.#shown?.pictures[0].number !== shown.pictures[0].number) this.#isAtTop = true;
    this.#shown = shown;
    this.#build();
  }

  // Done when what is on the stage has come.
  async settled() {
    await Promise.all(this.#panes.flatMap((pane) => pane.layers.map((layer) => layer.shown)));
  }

  clear() {
    for (const layer of this.#images) if (layer.isLoaded && !layer.full) layer.picture.giveBack(layer.image);
    this.#shown = null;
    this.#panes = this.#images = [];
    this.#root.replaceChildren();
  }

  setMode(mode) {
    this.mode = mode;
    if (this.#shown) this.#build();
  }

  setSplit(split) {
    this.split = Math.min(100, Math.max(0, split));
    this.draw();
  }

  setAmplify(times) {
    this.amplify = times;
    this.#root.querySelector(".both")?.setAttribute("class", `both amplify-${times}`);
  }

  hold(held) {
    if (this.#held === held) return;
    this.#held = held; // also without a group, or the next one would open as if held
    if (this.#shown) this.draw();
  }

  // As at first; there already, all of the picture.
  fit() {
    this.#isHome = !this.#isHome || !this.#isAtTop || this.#homeZoom <= 1; // though not yet drawn
    this.#isAtTop = true;
    Object.assign(this, { zoom: 1, x: 0.5, y: 0.5 });
    this.draw();
  }

  // One pixel of the chosen picture is one pixel of the screen; or fit again.
  toggleFull() {
    const pane = this.#chosenPane();
    if (!pane) return;
    const full = 1 / (this.#fit(pane, pane.layers[0].picture).scale * devicePixelRatio);
    if (Math.abs(this.zoom / full - 1) < 0.01) this.fit();
    else this.#zoomTo(full);
  }

  #zoomTo(zoom) {
    this.#isHome = false;
    this.zoom = zoom;
    this.draw();
  }

  // Pixel by pixel there where the two pictures differ most, or as at first again. Returns the
  // letters of the two and whether they differ, or nothing.
  toggleDetail() {
    const pane = this.#chosenPane(), loaded = this.#pair().map((picture) => this.#loaded(picture));
    if (!pane || !loaded[0]) { this.toggleFull(); return null; }
    const { scale } = this.#fit(pane, pane.layers[0].picture), full = 1 / (scale * devicePixelRatio);
    const zoom = full > 1.5 ? full : Math.max(full, 2);
    if (!this.#isHome && Math.abs(this.zoom / zoom - 1) < 0.01) { this.fit(); return null; }
    const [one, other] = loaded, turn = other ? this.#turnBetween(other.picture, one.picture) : 0;
    const found = detailOf(one.picture, drawable(one, 0), other && one !== other && drawable(other, turn));
    Object.assign(this, { x: found.x, y: found.y });
    this.#zoomTo(zoom);
    this.#clamp(pane);
    return { letters: loaded.filter(Boolean).map((layer) => layer.picture.letter), differs: found.differs };
  }

  #loaded(picture) {
    return this.#images.find((layer) => layer.number === picture.number && layer.isLoaded);
  }

  // Whether the two that are compared have come.
  hasPair() {
    return this.#pair().every((picture) => picture.unseen || this.#loaded(picture));
  }

  // Whether nobody has zoomed or moved.
  isHome() {
    return this.#isHome && this.#isAtTop;
  }

  // By a share of what is seen, where a picture is higher than its pane.
  page(step) {
    const pane = this.#chosenPane();
    if (pane) this.#scroll(pane, step * 0.9 * pane.node.clientHeight);
  }

  #scroll(pane, length) {
    this.y += length / (this.#fit(pane, pane.layers[0].picture).height * this.zoom);
    this.#isAtTop = false;
    this.#clamp(pane);
    this.draw();
  }

  zoomBy(factor, pane = this.#chosenPane(), px = 0, py = 0) {
    if (!pane) return;
    const fit = this.#fit(pane, pane.layers[0].picture);
    const full = 1 / (fit.scale * devicePixelRatio);
    const zoom = Math.min(Math.max(this.zoom * factor, Math.min(1, full)), Math.max(full * MOST_MAGNIFIED, 8));
    const keep = 1 / this.zoom - 1 / zoom; // what is under the pointer stays there
    this.x += (px / fit.width) * keep;
    this.y += (py / fit.height) * keep;
    this.#zoomTo(zoom);
    this.#clamp(pane);
  }

  draw() {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#draw());
  }

  // ---- What is there

  #pair() {
    const { pictures, chosen, reference } = this.#shown;
    const other = chosen === reference ? (reference + 1) % pictures.length : chosen;
    return [pictures[reference], pictures[other]];
  }

  #chosenPane() {
    const panes = this.#panes.filter((pane) => pane.layers.length);
    return panes.find((pane) => pane.picture.chosen) ?? panes[0];
  }

  #build() {
    const { pictures, chosen } = this.#shown;
    const numbers = new Set(pictures.map((picture) => picture.number));
    const editionOf = new Map(pictures.map((picture) => [picture.number, picture.edition]));
    this.#images = this.#images.filter((layer) => numbers.has(layer.number) && layer.edition === editionOf.get(layer.number));
    for (const layer of this.#images) layer.used = false;
    pictures.forEach((picture, position) => { picture.chosen = position === chosen; });
    const [reference, other] = this.#pair();
    if (this.alone) {
      this.#panes = [this.#pane(pictures[chosen], null)];
    } else if (this.mode === "side") {
      const seen = this.#shown.places ?? panesOf(pictures.length, chosen, pictures.indexOf(reference));
      // What is seen first takes what is here already; what is seen with Space comes after it.
      const layers = seen.map((place) => (pictures[place].unseen ? null : this.#layer(pictures[place])));
      this.#panes = seen.map((place) => pictures[place]).map((picture, number) => {
        const swap = picture === reference ? other : picture === other ? reference : null;
        return this.#pane(picture, swap, layers[number]);
      });
    } else {
      this.#panes = [this.#pane(reference, other)];
    }
    this.#root.className = `stage ${this.mode}`;
    this.#root.replaceChildren(...this.#panes.map((pane) => pane.node));
    this.#draw();
  }

  #pane(picture, other, layer = null) {
    const node = make("div", { className: `pane ${this.mode}` });
    const pane = { node, picture, layers: [], tag: make("div", { className: "tag" }) };
    if (picture.unseen) {
      node.append(make("div", { className: "why" }, ...picture.why()));
    } else {
      pane.layers = [layer ?? this.#layer(picture)];
      if (other && !other.unseen) pane.layers.push(this.#layer(other));
      pane.layers.forEach((layer) => { layer.turn = layer.picture === picture ? 0 : this.#turnBetween(layer.picture, picture); });
      const [under, over] = pane.layers;
      if (this.mode === "difference" && over) {
        node.append(make("div", { className: `both amplify-${this.amplify}` }, under.image, over.image));
      } else {
        node.append(under.image);
        if (over) {
          pane.cover = make("div", { className: "layer" }, over.image);
          node.append(pane.cover);
        }
        if (this.mode === "slider" && over) this.#handle(pane);
      }
    }
    node.append(pane.tag);
    this.#listen(pane);
    return pane;
  }

  // An image that is loaded already is used again, so that nothing flickers.
  #layer(picture) {
    const used = this.#images.find((one) => one.number === picture.number && !one.used);
    if (used) {
      used.used = true;
      return Object.assign(used, { picture });
    }
    const came = picture.ready(), image = came ?? make("img");
    Object.assign(image, { alt: `Picture ${picture.letter}`, draggable: false, decoding: "sync" });
    const layer = { picture, image, number: picture.number, edition: picture.edition, full: false, used: true };
    layer.isLoaded = Boolean(came);
    image.addEventListener("load", () => this.draw());
    layer.shown = came ? Promise.resolve() : this.#fetch(layer);
    this.#images.push(layer);
    return layer;
  }

  #fetch(layer) {
    const { image, picture } = layer;
    return picture.show(image, "preview").then(() => {
      layer.isLoaded = image.naturalWidth > 0;
      layer.stand?.remove();
      layer.stand = null;
    }, () => {
      image.alt = `Picture ${picture.letter} can't be shown`;
      image.classList.add("failed");
    });
  }

  // The small picture, enlarged, until the large one has come.
  #standIn(layer) {
    if (layer.isLoaded) return;
    layer.stand ??= layer.picture.stand();
    if (layer.stand && layer.stand.nextSibling !== layer.image) layer.image.before(layer.stand);
  }

  // By which of TURNS the first lies upon the second, if they are versions of one picture.
  #turnBetween(over, under) {
    for (const [one, other, turn] of this.#shown.turns) {
      if (one === over.number && other === under.number) return TURNS.indexOf(turn);
      if (one === under.number && other === over.number) return { 5: 6, 6: 5 }[TURNS.indexOf(turn)] ?? TURNS.indexOf(turn);
    }
    return 0;
  }

  #handle(pane) {
    const handle = make("div", { className: "handle" });
    handle.addEventListener("pointerdown", (event) => {
      event.stopPropagation();
      handle.setPointerCapture(event.pointerId);
    });
    handle.addEventListener("pointermove", (event) => {
      if (!handle.hasPointerCapture(event.pointerId)) return;
      const box = pane.node.getBoundingClientRect();
      this.setSplit(((event.clientX - box.left) / box.width) * 100);
      this.#told.split?.(this.split);
    });
    pane.handle = handle;
    pane.node.append(handle);
  }

  // ---- Where it is drawn

  #fit(pane, picture) {
    return fitOf(picture, { width: pane.node.clientWidth, height: pane.node.clientHeight });
  }

  // In rows or columns, whichever shows more of the pictures.
  #arrange() {
    const { pictures, reference } = this.#shown, known = pictures[reference];
    const shape = known.unseen ? pictures.find((picture) => !picture.unseen) ?? { width: 3, height: 2 } : known;
    const room = { width: this.#root.clientWidth, height: this.#root.clientHeight };
    this.#root.style.gridTemplateColumns = `repeat(${columnsFor(this.#panes.length, shape, room)}, minmax(0, 1fr))`;
  }

  // As large as pictures of this shape are until somebody zooms.
  #stayHome() {
    const [pane] = this.#panes, pictures = this.#panes.flatMap(({ layers }) => layers.map((layer) => layer.picture));
    if (!this.#isHome || !pictures.length) return;
    const home = homeOf(pictures, { width: pane.node.clientWidth, height: pane.node.clientHeight }, devicePixelRatio);
    this.zoom = this.#homeZoom = home.zoom;
    if (this.#isAtTop) Object.assign(this, { x: 0.5, y: home.y });
    else this.#clamp(this.#panes.find(({ layers }) => layers.length));
  }

  #draw() {
    if (!this.#panes.length) return;
    this.#arrange();
    this.#stayHome();
    for (const pane of this.#panes) {
      const width = pane.node.clientWidth, height = pane.node.clientHeight;
      const first = pane.layers[0] && this.#fit(pane, pane.layers[0].picture);
      for (const layer of pane.layers) {
        if (this.mode !== "difference") this.#standIn(layer);
        const { width: across, height: down } = layer.picture;
        let fit = this.#fit(pane, layer.turn >= 4 ? { width: down, height: across } : layer.picture);
        const stretch = (fit.width / fit.height) / (first.width / first.height) - 1;
        if (Math.abs(stretch) < SAME_SHAPE) fit = { ...fit, width: first.width, height: first.height };
        this.#place(layer, fit, width, height);
      }
      this.#dress(pane);
      pane.node.style.touchAction = this.zoom > 1 ? "none" : "pan-y"; // one finger scrolls the page
    }
    const pane = this.#chosenPane();
    if (pane?.layers[0]) {
      const scale = this.#fit(pane, pane.layers[0].picture).scale * this.zoom * devicePixelRatio;
      this.#told.zoom?.(scale);
    }
  }

  #place(layer, fit, width, height) {
    const { image, picture } = layer;
    const wide = Math.max(1, Math.round(fit.width * this.zoom)), high = Math.max(1, Math.round(fit.height * this.zoom));
    const largest = Math.max(picture.width, picture.height);
    if (!layer.full && largest > PREVIEW_SIDE && Math.max(wide, high) * devicePixelRatio > PREVIEW_SIDE * 1.05) {
      layer.full = true;
      layer.shown = layer.shown.then(() => picture.show(image, "full")).catch(() => {}); // the preview stays
    }
    this.#lay(layer, image, { wide, high }, { width, height });
    if (layer.stand) this.#lay(layer, layer.stand, { wide, high }, { width, height });
    const pixels = layer.turn >= 4 ? picture.height : picture.width;
    image.classList.toggle("pixelated", (wide * devicePixelRatio) / pixels >= PIXELATED_FROM);
  }

  // Lays an image, or what stands for it, in its place: so wide and high, in a pane of this size.
  #lay({ picture, turn }, image, { wide, high }, { width, height }) {
    const natural = image.naturalWidth || picture.width, tall = image.naturalHeight || picture.height;
    image.style.width = `${natural}px`;
    image.style.height = `${tall}px`;
    // On whole pixels of the screen, so that the edges of identical pictures are black in a difference.
    const whole = (length) => Math.round(length * devicePixelRatio) / devicePixelRatio;
    const left = whole(width / 2 - this.x * wide), top = whole(height / 2 - this.y * high);
    const across = turn >= 4 ? tall : natural, down = turn >= 4 ? natural : tall;
    image.style.transform = `translate(${left}px, ${top}px) scale(${wide / across}, ${high / down}) ${turning(turn, across, down)}`;
  }

  // The layers that a pane shows now: from this alone follow its letters and which images are seen.
  #seenIn(pane) {
    const [under, over] = pane.layers;
    if (!over) return pane.layers;
    if (this.mode === "slider" || this.mode === "difference") return [under, over];
    return this.#held ? [over] : [under];
  }

  #dress(pane) {
    const over = pane.layers[1], seen = this.#seenIn(pane);
    const names = seen.length ? seen.map((layer) => layer.picture) : [pane.picture];
    // Each image for itself: one that is visible is so within a hidden parent, too.
    for (const layer of pane.layers) {
      for (const one of [layer.image, layer.stand]) if (one) one.style.visibility = seen.includes(layer) ? "visible" : "hidden";
    }
    if (pane.cover) pane.cover.style.clipPath = this.mode === "slider" ? `inset(0 0 0 ${this.split}%)` : "none";
    if (pane.handle) pane.handle.style.left = `${this.split}%`;
    const turned = over?.turn ? over.picture : null;
    pane.tag.replaceChildren(...names.map((picture) => make("span", {
      className: `letter${picture.gone ? " gone" : ""}`,
      textContent: picture.letter + (picture.damage ? ", damaged" : "") + (picture === turned ? `, ${TURNS[over.turn]} to match` : "") + (picture.gone ? ` ${picture.gone}` : ""),
    })));
    pane.node.classList.toggle("gone", names.length === 1 && Boolean(names[0].gone));
    pane.node.classList.toggle("chosen", this.mode === "side" && pane.picture.chosen && this.#panes.length > 1);
  }

  #clamp(pane) {
    const fit = this.#fit(pane, pane.layers[0].picture);
    const hold = (value, shown, size) => {
      const half = Math.min(0.5, shown / (2 * size * this.zoom));
      return Math.min(1 - half, Math.max(half, value));
    };
    this.x = hold(this.x, pane.node.clientWidth, fit.width);
    this.y = hold(this.y, pane.node.clientHeight, fit.height);
  }

  // ---- Mouse, pen and fingers

  #listen(pane) {
    const { node } = pane;
    if (!pane.layers.length) {
      node.addEventListener("click", () => this.#told.pick?.(pane.picture.number));
      return;
    }
    node.addEventListener("wheel", (event) => {
      event.preventDefault();
      if (this.#isHome && this.zoom > 1 && !event.ctrlKey) { this.#scroll(pane, event.deltaY); return; }
      const [px, py] = this.#fromMiddle(pane, event);
      this.zoomBy(Math.exp(-Math.sign(event.deltaY) * Math.min(Math.abs(event.deltaY), 120) / 400), pane, px, py);
    }, { passive: false });
    node.addEventListener("pointerdown", (event) => {
      if (event.button > 0) return;
      node.setPointerCapture(event.pointerId);
      this.#pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      this.#moved = this.#pointers.size > 1 ? 99 : 0;
      node.classList.add("dragging");
      if (this.mode === "flip") this.hold(true);
    });
    node.addEventListener("pointermove", (event) => this.#drag(pane, event));
    for (const kind of ["pointerup", "pointercancel"]) {
      node.addEventListener(kind, (event) => {
        const known = this.#pointers.delete(event.pointerId);
        node.classList.remove("dragging");
        if (this.mode === "flip") this.hold(false);
        if (known && kind === "pointerup" && this.#moved < 5 && this.mode === "side") {
          this.#told.pick?.(pane.picture.number);
        }
      });
    }
    node.addEventListener("dblclick", () => this.toggleFull());
  }

  #drag(pane, event) {
    const before = this.#pointers.get(event.pointerId);
    if (!before) return;
    if (event.pointerType === "touch" && this.zoom <= 1 && this.#pointers.size < 2) return; // the page scrolls
    const now = { x: event.clientX, y: event.clientY };
    const fit = this.#fit(pane, pane.layers[0].picture);
    const others = [...this.#pointers].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
    this.#pointers.set(event.pointerId, now);
    this.#moved += Math.hypot(now.x - before.x, now.y - before.y);
    const share = others.length + 1;
    this.x -= (now.x - before.x) / share / (fit.width * this.zoom);
    this.y -= (now.y - before.y) / share / (fit.height * this.zoom);
    this.#isAtTop = false;
    this.#clamp(pane);
    if (others.length) {
      const apart = (a) => Math.max(1, Math.hypot(a.x - others[0].x, a.y - others[0].y));
      const middle = { clientX: (now.x + others[0].x) / 2, clientY: (now.y + others[0].y) / 2 };
      this.zoomBy(apart(now) / apart(before), pane, ...this.#fromMiddle(pane, middle));
    }
    this.draw();
  }

  #fromMiddle(pane, event) {
    const box = pane.node.getBoundingClientRect();
    return [event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2];
  }
}
