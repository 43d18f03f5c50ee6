// How pictures get another side, as OpenCV does it: areas are averaged when they shrink, else bilinear.

/** A grey picture: tones row by row. */
export class Grey {
  /** @param {Float32Array} data @param {number} width @param {number} height */
  constructor(data, width, height) {
    this.data = data;
    this.width = width;
    this.height = height;
  }
}

/** Which cells along one side make each new cell, and with what weight (OpenCV, computeResizeAreaTab). */
function areas(from, to) {
  const scale = from / to;
  return Array.from({ length: to }, (_, i) => {
    const [begin, end] = [i * scale, (i + 1) * scale];
    const share = Math.min(scale, from - begin);
    const last = Math.min(Math.floor(end), from - 1);
    const first = Math.min(Math.ceil(begin), last);
    const parts = [];
    if (first - begin > 1e-3) parts.push([first - 1, (first - begin) / share]);
    for (let k = first; k < last; k++) parts.push([k, 1 / share]);
    if (end - last > 1e-3) parts.push([last, Math.min(end - last, 1, share) / share]);
    return parts;
  });
}

/** The same for bilinear interpolation, centres of cells aligned. */
function neighbours(from, to) {
  return Array.from({ length: to }, (_, i) => {
    const at = (i + 0.5) * (from / to) - 0.5;
    const low = Math.floor(at);
    const inside = (k) => Math.min(Math.max(k, 0), from - 1);
    return [
      [inside(low), 1 - (at - low)],
      [inside(low + 1), at - low],
    ];
  });
}

/**
 * New rows of a picture: a row is drawn together once, whichever new rows it is part of. Each product and each sum is
 * rounded to 32 bits, as in OpenCV: of tones that lie between two of 8 bits most are then rounded to the same one.
 */
function weighted(picture, columns, rows) {
  const { data, width } = picture;
  const flat = flattened(columns);
  const out = new Float32Array(columns.length * rows.length);
  const drawn = new Map();
  rows.forEach((parts, i) => {
    for (const y of drawn.keys()) if (y < parts[0][0]) drawn.delete(y);
    for (const [y, weight] of parts) {
      const w = Math.fround(weight);
      if (!drawn.has(y)) drawn.set(y, drawnTogether(data.subarray(y * width, (y + 1) * width), flat));
      const own = drawn.get(y);
      for (let x = 0; x < own.length; x++) out[i * own.length + x] += Math.fround(own[x] * w);
    }
  });
  return new Grey(out, columns.length, rows.length);
}

/** Lists of cells and weights as three arrays, which are many times as fast to walk through. */
function flattened(columns) {
  const parts = columns.flat();
  const ends = Uint32Array.from(columns, ((end) => (own) => (end += own.length))(0));
  return { ends, cells: Uint32Array.from(parts, ([x]) => x), weights: Float32Array.from(parts, ([, w]) => w) };
}

function drawnTogether(row, { ends, cells, weights }) {
  const out = new Float32Array(ends.length);
  for (let x = 0, at = 0; x < ends.length; x++) {
    for (; at < ends[x]; at++) out[x] += Math.fround(row[cells[at]] * weights[at]);
  }
  return out;
}

/** Averages over areas. */
export function shrunk(picture, width, height) {
  return weighted(picture, areas(picture.width, width), areas(picture.height, height));
}

/** Bilinear interpolation. */
export function stretched(picture, width, height) {
  return weighted(picture, neighbours(picture.width, width), neighbours(picture.height, height));
}

/** A square picture at another side, as training images got theirs. */
export function resized(picture, side) {
  if (picture.width === side) return picture;
  return picture.width > side ? shrunk(picture, side, side) : stretched(picture, side, side);
}

/** The central square of a picture, which is all that networks see. */
export function centreSquare({ data, width, height }) {
  const side = Math.min(width, height);
  const [top, left] = [Math.floor((height - side) / 2), Math.floor((width - side) / 2)];
  const out = new Float32Array(side * side);
  for (let y = 0; y < side; y++) {
    out.set(data.subarray((top + y) * width + left, (top + y) * width + left + side), y * side);
  }
  return new Grey(out, side, side);
}
