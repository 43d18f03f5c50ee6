// A film with a map laid over it: the only place where a raw map is scaled and coloured (cxrkd/explain/overlay.py).
import { Grey, stretched } from "./resize.js";

/**
 * @param {HTMLCanvasElement} canvas
 * @param {{film: object, maps: Float32Array, grid: number[]}} answer
 * @param {{house: object, run: object | null}} known
 * @param {number | null} label whose map is drawn; null draws the film alone.
 * @returns {string} what the colours mean.
 */
export function draw(canvas, { film, maps, grid }, { house, run }, label) {
  const layer = label === null ? null : layerOf(heatOf(maps, grid, label), house, run?.strong?.[label]);
  const pixels = new ImageData(house.size, house.size);
  film.image.forEach((tone, i) => {
    const alpha = layer ? layer.alpha[i] : 0;
    for (let channel = 0; channel < 3; channel++) {
      const colour = layer ? layer.colours[3 * i + channel] : 0;
      pixels.data[4 * i + channel] = Math.round((1 - alpha) * 255 * tone + alpha * colour);
    }
    pixels.data[4 * i + 3] = 255;
  });
  if (canvas.width !== house.size) canvas.width = canvas.height = house.size;
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  const title = label === null ? "" : house.titles[label];
  canvas.setAttribute("aria-label", title ? `${film.name}, evidence for ${title.toLowerCase()}` : film.name);
  return layer ? meaning(layer, title.toLowerCase()) : "";
}

/** The empty square of a page without a film. */
export function erase(canvas) {
  canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
  canvas.setAttribute("aria-label", "No film yet");
}

function heatOf(maps, [rows, columns], label) {
  const n = rows * columns;
  return new Grey(maps.slice(label * n, (label + 1) * n), columns, rows);
}

/** The more opaque the stronger its evidence: what has none stays bare film. */
export function layerOf(heat, { size, colours, opacity }, strong) {
  const most = Math.max(...heat.data, 0);
  const scale = strong ?? most;
  const shares = stretched(heat, size, size).data.map((value) => Math.min(Math.max(value / (scale || 1), 0), 1));
  const drawn = new Uint8Array(3 * shares.length);
  shares.forEach((share, i) => {
    const at = 3 * Math.round(255 * share);
    for (let channel = 0; channel < 3; channel++) drawn[3 * i + channel] = colours[at + channel];
  });
  return { colours: drawn, alpha: shares.map((share) => opacity * share), nothing: most <= 0, strong: strong !== undefined };
}

function meaning({ nothing, strong }, title) {
  if (nothing) return `nothing speaks for ${title} anywhere`;
  const full = strong ? "what 95 % of the validation films do not exceed" : "the most on this film";
  return `bright where evidence speaks for ${title}; full colour is ${full}`;
}
