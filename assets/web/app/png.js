// PNG files of 16 bits. A canvas keeps eight of them, and films of 12 bits in 16 would come out nearly black.
import { Refusal } from "./refusal.js";

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
const CHANNELS = { 0: 1, 2: 3, 4: 2, 6: 4 };

export function isPng(bytes) {
  return SIGNATURE.every((value, i) => bytes[i] === value);
}

/** Width, height, bits and kind of colour: the first chunk of a PNG. */
export function header(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  return { width, height, depth: bytes[24], colour: bytes[25], interlaced: bytes[28] !== 0 };
}

/** The values of a grey PNG of 16 bits, Uint16Array row by row. */
export async function sixteenBitValues(bytes, name) {
  const { width, height, colour, interlaced } = header(bytes);
  if (interlaced || colour !== 0) {
    const what = interlaced ? "interlaced" : "in colour or transparent";
    throw new Refusal(`${name} is a PNG of 16 bits that is ${what}: export it as a grey PNG, plain and opaque.`);
  }
  const lines = await inflated(data(bytes), name);
  if (lines.length < height * (1 + 2 * width)) throw new Refusal(`${name} is damaged or incomplete: export it again.`);
  return joined(unfiltered(lines, 2 * width, height, 2 * CHANNELS[colour]), width * height);
}

function data(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const parts = [];
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at);
    if (String.fromCharCode(...bytes.subarray(at + 4, at + 8)) === "IDAT") {
      parts.push(bytes.subarray(at + 8, at + 8 + length));
    }
    at += 12 + length;
  }
  return new Blob(parts);
}

async function inflated(blob, name) {
  try {
    const stream = blob.stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  } catch {
    throw new Refusal(`${name} is damaged or incomplete: export it again.`);
  }
}

/** Lines without their filters (PNG 1.2, section 6); each line begins with the number of its own. */
function unfiltered(lines, length, height, step) {
  const out = new Uint8Array(length * height);
  for (let y = 0; y < height; y++) {
    const filter = lines[y * (length + 1)];
    for (let x = 0; x < length; x++) {
      const at = y * length + x;
      const left = x >= step ? out[at - step] : 0;
      const above = y > 0 ? out[at - length] : 0;
      const corner = x >= step && y > 0 ? out[at - length - step] : 0;
      const guess = [0, left, above, (left + above) >> 1, paeth(left, above, corner)][filter];
      out[at] = lines[y * (length + 1) + 1 + x] + guess;
    }
  }
  return out;
}

function paeth(left, above, corner) {
  const guess = left + above - corner;
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - above), Math.abs(guess - corner)];
  if (a <= b && a <= c) return left;
  return b <= c ? above : corner;
}

function joined(bytes, n) {
  return Uint16Array.from({ length: n }, (_, i) => (bytes[2 * i] << 8) | bytes[2 * i + 1]);
}
