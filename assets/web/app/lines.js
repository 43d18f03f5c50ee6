// Straight edges of a small grey picture: lines (Hough's votes), and along which stretches of each an edge lies.

const WEAKEST = 1.2; // tones a pixel; what is less is the noise of a camera's picture after averaging
const FULL = 4; // from here an edge counts wholly: faint borders and strong ones are borders alike
const STEEPEST = (36 * Math.PI) / 180; // a film turned by 20 degrees, and what perspective adds
const ANGLES = 49;
const SPREAD = 3; // angles to either side that an edge votes for: its own direction is known no better
const LEAST_VOTES = 12;
const MOST = 20; // lines of either kind
const SAME = { angles: 4, pixels: 3 }; // peaks as near as this are one line
const BENDS = 0.5; // an edge belongs to a line if its slope differs by less

/**
 * @typedef {object} Line `across = slope * along + start`: of an upright line x by y, of a level one y by x.
 * @property {number} slope @property {number} start
 * @property {Float32Array} rising how much of an edge, from 0 to 1 a step, lies along it from the beginning up to each
 *   step, where it gets brighter to the right of an upright line or below a level one.
 * @property {Float32Array} falling the same where it gets darker.
 */

/**
 * @param {import("./resize.js").Grey} picture tones from 0 to 255
 * @returns {{upright: Line[], level: Line[], ridges: {upright: object, level: object}, steepness: object}}
 *   the strongest lines within 36 degrees, what they were found in, and by how many tones a pixel the picture changes.
 */
export function linesOf(picture) {
  const smooth = smoothed(picture);
  const ridges = { upright: ridgesOf(smooth, false), level: ridgesOf(smooth, true) };
  return { upright: strongest(ridges.upright), level: strongest(ridges.level), ridges, steepness: steepnessOf(smooth) };
}

/** Weights 1 2 1 along either side. */
function smoothed({ data, width, height }) {
  const half = new Float32Array(data.length);
  const out = new Float32Array(data.length);
  for (let y = 0; y < height; y++) {
    const row = y * width;
    for (let x = 0; x < width; x++) {
      half[row + x] = data[row + Math.max(x - 1, 0)] + 2 * data[row + x] + data[row + Math.min(x + 1, width - 1)];
    }
  }
  for (let y = 0; y < height; y++) {
    const [above, row, below] = [Math.max(y - 1, 0) * width, y * width, Math.min(y + 1, height - 1) * width];
    for (let x = 0; x < width; x++) out[row + x] = (half[above + x] + 2 * half[row + x] + half[below + x]) / 16;
  }
  return { data: out, width, height };
}

function steepnessOf({ data, width, height }) {
  const out = new Float32Array(data.length);
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      const i = y * width + x;
      out[i] = Math.hypot(data[i + 1] - data[i - 1], data[i + width] - data[i - width]) / 2;
    }
  }
  return { data: out, width, height };
}

/**
 * Where tones change most across upright lines (or level ones), at `along * acrosses + across`: how much, with its
 * sign (0: no ridge), the slope of a line that runs along there, and where it lies, finer than pixels.
 */
function ridgesOf({ data, width, height }, level) {
  const [alongs, acrosses] = level ? [width, height] : [height, width];
  const [step, stride] = level ? [width, 1] : [1, width]; // from pixel to pixel across, and along
  const [steep, slope, place] = [0, 1, 2].map(() => new Float32Array(data.length));
  const change = (i, k) => (k <= 0 || k >= acrosses - 1 ? 0 : (data[i + step] - data[i - step]) / 2);
  const most = Math.tan(STEEPEST + SPREAD * (STEEPEST / ANGLES) * 2);
  for (let t = 0; t < alongs; t++) {
    const [before, after] = [Math.max(t - 1, 0), Math.min(t + 1, alongs - 1)];
    for (let k = 1; k < acrosses - 1; k++) {
      const i = t * stride + k * step;
      const own = change(i, k);
      const size = Math.abs(own);
      if (size < WEAKEST) continue;
      const sign = Math.sign(own);
      const [left, right] = [sign * change(i - step, k - 1), sign * change(i + step, k + 1)];
      if (size < left || size <= right) continue;
      const along = (data[after * stride + k * step] - data[before * stride + k * step]) / (after - before);
      if (Math.abs(along) > most * size) continue;
      const j = t * acrosses + k;
      const bend = 2 * size - left - right;
      steep[j] = own;
      slope[j] = -along / own;
      place[j] = k + (bend > 0 ? Math.max(-0.5, Math.min(0.5, (right - left) / (2 * bend))) : 0);
    }
  }
  return { steep, slope, place, alongs, acrosses };
}

/** Votes of the ridges for lines, counted by angle and by where a line crosses the middle; the lines that got most. */
function strongest(ridges) {
  const { steep, slope, place, alongs, acrosses } = ridges;
  const slopes = Float32Array.from({ length: ANGLES }, (_, n) => Math.tan(((2 * n) / (ANGLES - 1) - 1) * STEEPEST));
  const middle = (alongs - 1) / 2;
  const offset = Math.ceil(middle * slopes[ANGLES - 1]) + 2;
  const cells = acrosses + 2 * offset;
  const votes = new Float32Array(ANGLES * cells);
  for (let j = 0; j < steep.length; j++) {
    if (!steep[j]) continue;
    const t = Math.floor(j / acrosses) - middle;
    const weight = Math.min(Math.abs(steep[j]) / FULL, 1);
    const own = Math.round(((Math.atan(slope[j]) / STEEPEST + 1) / 2) * (ANGLES - 1));
    for (let n = Math.max(own - SPREAD, 0); n <= Math.min(own + SPREAD, ANGLES - 1); n++) {
      const cell = place[j] - slopes[n] * t + offset;
      const low = Math.floor(cell);
      votes[n * cells + low] += weight * (1 - (cell - low));
      votes[n * cells + low + 1] += weight * (cell - low);
    }
  }
  return peaks(votes, cells)
    .map(({ n, cell }) => fitted(ridges, slopes[n], cell - offset - slopes[n] * middle, 0, alongs - 1))
    .filter(Boolean)
    .map((line) => profiled(ridges, line));
}

function peaks(votes, cells) {
  const sums = new Float32Array(votes.length);
  for (let i = 1; i < votes.length - 1; i++) sums[i] = votes[i - 1] + votes[i] + votes[i + 1];
  const tops = [];
  for (let i = 1; i < sums.length - 1; i++) {
    if (sums[i] < LEAST_VOTES || sums[i] < sums[i - 1] || sums[i] < sums[i + 1]) continue;
    tops.push({ n: Math.floor(i / cells), cell: i % cells, votes: sums[i] });
  }
  const kept = [];
  for (const top of tops.sort((a, b) => b.votes - a.votes)) {
    const near = ({ n, cell }) => Math.abs(n - top.n) <= SAME.angles && Math.abs(cell - top.cell) <= SAME.pixels;
    if (!kept.some(near)) kept.push(top);
    if (kept.length === MOST) break;
  }
  return kept;
}

/** The ridge nearest to a place `across` at step t, of a line's own slope: its index, or -1. */
function nearest({ steep, slope, place, acrosses }, own, across, t, reach) {
  let [best, least] = [-1, reach];
  const last = Math.min(Math.floor(across + reach + 0.5), acrosses - 1);
  for (let k = Math.max(Math.ceil(across - reach - 0.5), 0); k <= last; k++) {
    const j = t * acrosses + k;
    if (!steep[j] || Math.abs(slope[j] - own) > BENDS) continue;
    const apart = Math.abs(place[j] - across);
    if (apart < least) [best, least] = [j, apart];
  }
  return best;
}

/** Least squares through the ridges next to a line between two steps along it, twice; null where there are few. */
export function fitted(ridges, slope, start, from, to) {
  const [first, last] = [Math.max(Math.ceil(from), 0), Math.min(Math.floor(to), ridges.alongs - 1)];
  for (const reach of [1.6, 1]) {
    let [n, st, sx, stt, stx] = [0, 0, 0, 0, 0];
    for (let t = first; t <= last; t++) {
      const j = nearest(ridges, slope, slope * t + start, t, reach);
      if (j < 0) continue;
      const x = ridges.place[j];
      const w = Math.min(Math.abs(ridges.steep[j]) / FULL, 1);
      [n, st, sx, stt, stx] = [n + w, st + w * t, sx + w * x, stt + w * t * t, stx + w * t * x];
    }
    const spread = n * stt - st * st;
    if (n < 6 || spread <= 0) return null;
    slope = (n * stx - st * sx) / spread;
    start = (sx - slope * st) / n;
  }
  return { slope, start };
}

function profiled(ridges, { slope, start }) {
  const [rising, falling] = [0, 1].map(() => new Float32Array(ridges.alongs + 1));
  for (let t = 0; t < ridges.alongs; t++) {
    const j = nearest(ridges, slope, slope * t + start, t, 1.25);
    const own = j < 0 ? 0 : Math.max(-1, Math.min(1, ridges.steep[j] / FULL));
    rising[t + 1] = rising[t] + Math.max(own, 0);
    falling[t + 1] = falling[t] + Math.max(-own, 0);
  }
  return { slope, start, rising, falling };
}
