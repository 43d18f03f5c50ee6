// Stored values -> [0, 1], and colours -> grey: cxrkd/images/tones.py and colour.py.
import { percentile, roundHalfEven } from "./looks.js";
import { Grey } from "./resize.js";

const SAMPLE = 1_000_000;
const GREY_TOLERANCE = 4;
const COLOURED = 40;
const GREY = "stored in colour, though grey";
const CLEAR = "transparent areas drawn black";
const AVERAGED = "colour averaged to grey: a radiograph has no colour, so check that this is one";

/** Values of 16 bits scaled by the depth they use, or by percentiles where they use less than half of it. */
export function sixteenBit(values, width, height, rules) {
  const top = values.reduce((most, value) => Math.max(most, value), 0);
  const depth = rules.depths.find((bits) => top < 2 ** bits);
  const [low, high] = outerPercentiles(values, width, height, rules);
  if (high - low < 2 ** (depth - 1)) return byPercentiles(values, "16-bit values", width, height, rules);
  const most = 2 ** depth - 1;
  const data = Float32Array.from(values, (value) => Math.min(value / most, 1));
  return { picture: new Grey(data, width, height), note: `16-bit values scaled by a depth of ${depth} bits` };
}

/** Any values scaled between their outer percentiles. */
export function byPercentiles(values, what, width, height, rules) {
  let [low, high] = outerPercentiles(values, width, height, rules);
  if (high <= low) [low, high] = extremes(values);
  const range = Math.max(high - low, 1e-12);
  const data = Float32Array.from(values, (value) => Math.min(Math.max((value - low) / range, 0), 1));
  const limits = `${Number(low.toPrecision(6))} to ${Number(high.toPrecision(6))}`;
  const note = `${what} scaled between their ${rules.low} and ${rules.high} percentiles (${limits})`;
  return { picture: new Grey(data, width, height), note };
}

/** The two percentiles, of every n-th row and column where there are more than about a million values. */
export function outerPercentiles(values, width, height, rules) {
  const step = Math.max(1, Math.floor(Math.sqrt((width * height) / SAMPLE)));
  const sample = [];
  for (let y = 0; y < height; y += step) for (let x = 0; x < width; x += step) sample.push(values[y * width + x]);
  const sorted = Float64Array.from(sample).sort();
  return [percentile(sorted, rules.low), percentile(sorted, rules.high)];
}

/** Least and largest value. */
export function extremes(values) {
  return values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
}

/**
 * Pixels of 8 bits, red, green, blue and opacity in turn, as a grey picture; what is transparent is black.
 * @returns {{picture: Grey, notes: string[], colour: number}} colour: share of pixels that have one of their own.
 */
export function fromPixels(pixels, width, height, storedGrey = false) {
  const data = new Float32Array(width * height);
  let [apart, clear] = [0, false];
  for (let i = 0; i < data.length; i++) {
    const red = pixels[4 * i];
    const green = pixels[4 * i + 1];
    const blue = pixels[4 * i + 2];
    const most = red > green ? (red > blue ? red : blue) : green > blue ? green : blue;
    const least = red < green ? (red < blue ? red : blue) : green < blue ? green : blue;
    if (most - least > apart) apart = most - least;
    if (pixels[4 * i + 3] < 255) clear = true;
    data[i] = (red + green + blue) / 765;
  }
  const notes = storedGrey && apart === 0 ? [] : [apart <= GREY_TOLERANCE ? GREY : AVERAGED];
  if (clear) {
    for (let i = 0; i < data.length; i++) data[i] *= pixels[4 * i + 3] / 255;
    notes.push(CLEAR);
  }
  return { picture: new Grey(data, width, height), notes, colour: apart ? colouredShare(pixels, width, height) : 0 };
}

/** Share of pixels whose channels lie apart, once a tint of the whole picture is taken out. */
function colouredShare(pixels, width, height) {
  const step = Math.max(1, Math.floor(Math.min(width, height) / 256));
  const sums = [0, 0, 0];
  let n = 0;
  let coloured = 0;
  const each = (look) => {
    for (let y = 0; y < height; y += step) for (let x = 0; x < width; x += step) look(4 * (y * width + x));
  };
  each((at) => {
    for (let channel = 0; channel < 3; channel++) sums[channel] += pixels[at + channel];
    n++;
  });
  const level = (sums[0] + sums[1] + sums[2]) / 3;
  const [red, green, blue] = sums.map((sum) => level / Math.max(sum, n));
  each((at) => {
    const [r, g, b] = [pixels[at] * red, pixels[at + 1] * green, pixels[at + 2] * blue];
    if (Math.max(r, g, b) - Math.min(r, g, b) > COLOURED) coloured++;
  });
  return coloured / n;
}

/** Tones in 8 bits as training images were kept, as numbers in [0, 1]: the input of the network. */
export function inEightBits(data) {
  // The product in 32 bits, as numpy makes it: it decides where tones lie midway between two.
  return data.map((tone) => roundHalfEven(Math.fround(Math.min(Math.max(tone, 0), 1) * 255)) / 255);
}
