// What an image looks like as a whole, in a few hundred numbers: cxrkd/images/looks.py, step by step.
import { Grey, shrunk, stretched } from "./resize.js";

const SIDE = 64;
const FIRST_SIDE = 256;
const RANK_SIDE = 32;
const COARSE = 16;
const [CELLS, DIRECTIONS, BINS] = [8, 8, 16];

/** The whole picture at 64 x 64. */
export function shrink(picture) {
  const blocks = Math.floor(Math.min(picture.width, picture.height) / FIRST_SIDE);
  let whole = picture;
  if (blocks > 1) {
    const [width, height] = [picture.width, picture.height].map((side) => Math.floor(side / blocks));
    whole = shrunk(cropped(picture, width * blocks, height * blocks), width, height);
  }
  const how = Math.min(whole.width, whole.height) > SIDE ? shrunk : stretched;
  return how(whole, SIDE, SIDE);
}

function cropped({ data, width }, newWidth, newHeight) {
  const out = new Float32Array(newWidth * newHeight);
  for (let y = 0; y < newHeight; y++) out.set(data.subarray(y * width, y * width + newWidth), y * newWidth);
  return new Grey(out, newWidth, newHeight);
}

/** The range of tones without the outer 2 % at either end. */
export function span(small) {
  const sorted = Float64Array.from(small.data).sort();
  return percentile(sorted, 98) - percentile(sorted, 2);
}

/** Of sorted values, linear between neighbours. */
export function percentile(sorted, percent) {
  const at = (percent / 100) * (sorted.length - 1);
  const low = Math.floor(at);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (sorted[high] - sorted[low]) * (at - low);
}

/** Order of the tones at 32 x 32, in [-0.5, 0.5]; equal tones share their mean rank. */
export function ranks(small) {
  const tiny = shrunk(small, RANK_SIDE, RANK_SIDE);
  const n = tiny.data.length;
  const tones = Array.from(tiny.data, (tone) => roundHalfEven(tone * 1e4));
  const order = tones.map((_, i) => i).sort((a, b) => tones[a] - tones[b]);
  const out = new Float32Array(n);
  for (let begin = 0; begin < n; ) {
    let end = begin;
    while (end < n && tones[order[end]] === tones[order[begin]]) end++;
    for (let i = begin; i < end; i++) out[order[i]] = (begin + 1 + end) / 2 / n - 0.5;
    begin = end;
  }
  return new Grey(out, RANK_SIDE, RANK_SIDE);
}

/** As numpy rounds. */
export function roundHalfEven(value) {
  const floor = Math.floor(value);
  return value - floor === 0.5 ? floor + (floor & 1) : Math.round(value);
}

/** Directions of edges: for each of 8 x 8 cells the strength in 8 directions, from dark to bright. */
function edges({ data }) {
  const votes = new Float64Array(CELLS * CELLS * DIRECTIONS);
  const inside = (i) => (i < 0 ? -i : i >= SIDE ? 2 * SIDE - 2 - i : i); // the border is mirrored
  const at = (x, y) => data[inside(y) * SIDE + inside(x)];
  const step = SIDE / CELLS;
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const column = (dx) => at(x + dx, y - 1) + 2 * at(x + dx, y) + at(x + dx, y + 1);
      const row = (dy) => at(x - 1, y + dy) + 2 * at(x, y + dy) + at(x + 1, y + dy);
      const [dx, dy] = [column(1) - column(-1), row(1) - row(-1)];
      const turn = Math.atan2(dy, dx) / (2 * Math.PI);
      const direction = (turn < 0 ? turn + 1 : turn) * DIRECTIONS;
      const low = Math.floor(direction);
      const cell = (Math.floor(y / step) * CELLS + Math.floor(x / step)) * DIRECTIONS;
      const strength = Math.hypot(dx, dy);
      votes[cell + (low % DIRECTIONS)] += strength * (1 - (direction - low));
      votes[cell + ((low + 1) % DIRECTIONS)] += strength * (direction - low);
    }
  }
  const total = Math.max(votes.reduce((sum, vote) => sum + vote, 0), 1e-9);
  return votes.map((vote) => Math.sqrt(vote / total));
}

/** Square roots of a histogram of 16 tones between the darkest and the brightest. */
function tones({ data }) {
  const [low, high] = [Math.min(...data), Math.max(...data)];
  const counts = new Float64Array(BINS);
  for (const tone of data) {
    const share = (tone - low) / Math.max(high - low, 1e-4);
    counts[Math.min(Math.floor(share * BINS), BINS - 1)]++;
  }
  return counts.map((count) => Math.sqrt(count / data.length));
}

/** Correlation of the ranks with themselves mirrored left to right and top to bottom. */
function symmetry({ data }) {
  let [energy, across, along] = [0, 0, 0];
  for (let y = 0; y < RANK_SIDE; y++) {
    for (let x = 0; x < RANK_SIDE; x++) {
      const rank = data[y * RANK_SIDE + x];
      energy += rank * rank;
      across += rank * data[y * RANK_SIDE + RANK_SIDE - 1 - x];
      along += rank * data[(RANK_SIDE - 1 - y) * RANK_SIDE + x];
    }
  }
  return [across, along].map((sum) => sum / Math.max(energy, 1e-9));
}

/** How far from chest films a picture lies: outside their subspace, and within it. */
function distances({ data }, { mean, basis, scale }) {
  const centred = data.map((rank, i) => rank - mean[i]);
  const inside = Array.from(scale, (_, k) => {
    let sum = 0;
    for (let i = 0; i < centred.length; i++) sum += basis[k * centred.length + i] * centred[i];
    return sum;
  });
  const square = (values) => values.reduce((sum, value) => sum + value * value, 0);
  const within = square(inside.map((value, k) => value / scale[k])) / inside.length;
  return [Math.sqrt(Math.max(square(centred) - square(inside), 0)), Math.sqrt(within)];
}

/** Everything that the gate looks at, of a picture of 64 x 64. */
export function features(small, plane) {
  const rank = ranks(small);
  const coarse = shrunk(rank, COARSE, COARSE).data;
  return [...coarse, ...edges(small), ...tones(small), ...symmetry(rank), ...distances(rank, plane)];
}
