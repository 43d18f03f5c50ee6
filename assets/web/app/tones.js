// Stored values -> [0, 1], and colours -> grey: cxrkd/images/tones.py and colour.py.
import { percentile, roundHalfEven } from "./looks.js";
import { Grey } from "./resize.js";

const SAMPLE = 1_000_000;
const GREY_TOLERANCE = 4;
const COLOURED = 40;
const GREY = "stored in colour, though grey";
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
    const [red, green, blue, opacity] = [pixels[4 * i], pixels[4 * i + 1], pixels[4 * i + 2], pixels[4 * i + 3]];
    apart = Math.max(apart, Math.max(red, green, blue) - Math.min(red, green, blue));
    clear ||= opacity < 255;
    data[i] = (red + green + blue) / 765;
  }
  if (clear && pixels.some((value, i) => i % 4 === 3 && value > 0)) {
    for (let i = 0; i < data.length; i++) data[i] *= pixels[4 * i + 3] / 255;
  }
  const notes = storedGrey && apart === 0 ? [] : [apart <= GREY_TOLERANCE ? GREY : AVERAGED];
  return { picture: new Grey(data, width, height), notes, colour: apart ? colouredShare(pixels, width, height) : 0 };
}

/** Share of pixels whose channels lie apart, once a tint of the whole picture is taken out. */
function colouredShare(pixels, width, height) {
  const step = Math.max(1, Math.floor(Math.min(width, height) / 256));
  const sample = [];
  for (let y = 0; y < height; y += step) {
    for (let x = 0; x < width; x += step) sample.push(4 * (y * width + x));
  }
  const mean = (channel) => sample.reduce((sum, at) => sum + pixels[at + channel], 0) / sample.length;
  const means = [0, 1, 2].map(mean);
  const level = (means[0] + means[1] + means[2]) / 3;
  const gains = means.map((value) => level / Math.max(value, 1));
  const coloured = sample.filter((at) => {
    const own = gains.map((gain, channel) => pixels[at + channel] * gain);
    return Math.max(...own) - Math.min(...own) > COLOURED;
  });
  return coloured.length / sample.length;
}

/** Tones in 8 bits as training images were kept, as numbers in [0, 1]: the input of the network. */
export function inEightBits(data) {
  return data.map((tone) => roundHalfEven(Math.min(Math.max(tone, 0), 1) * 255) / 255);
}
