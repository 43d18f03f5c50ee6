// PNG files of 16 bits. A canvas keeps eight of them, and films of 12 bits in 16 would come out nearly black.
import { Refusal } from "./refusal.js";

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
const HEADER = 33; // bytes of the signature and of the first chunk
const SPARE = 65536;

export function isPng(bytes) {
  return SIGNATURE.every((value, i) => bytes[i] === value);
}

/**
 * Width, height, bits and kind of colour: the first chunk of a PNG.
 * @throws {Refusal} it is cut, or an animation.
 */
export function header(bytes, name) {
  if (bytes.length < HEADER) throw damaged(name);
  if (chunks(bytes).acTL) throw new Refusal(`${name} is an animation; one still radiograph was expected. Export one frame as PNG.`);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  return { width, height, depth: bytes[24], colour: bytes[25], interlaced: bytes[28] !== 0 };
}

const damaged = (name) => new Refusal(`${name} is damaged or incomplete: export it again.`);

/** The values of a grey PNG of 16 bits, Uint16Array row by row. */
export async function sixteenBitValues(bytes, name) {
  const { width, height, colour, interlaced } = header(bytes, name);
  const { IDAT = [], tRNS } = chunks(bytes);
  if (interlaced || colour !== 0 || tRNS) {
    const what = interlaced ? "interlaced" : "in colour or transparent";
    throw new Refusal(`${name} is a PNG of 16 bits that is ${what}: export it as a grey PNG, plain and opaque.`);
  }
  const lines = await inflated(new Blob(IDAT), height * (1 + 2 * width)).catch(() => null);
  const values = lines && unfiltered(lines, 2 * width, height, 2);
  if (!values) throw damaged(name);
  return joined(values, width * height);
}

/** What chunks hold, in lists by their kinds. */
function chunks(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const parts = {};
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at);
    (parts[String.fromCharCode(...bytes.subarray(at + 4, at + 8))] ??= []).push(bytes.subarray(at + 8, at + 8 + length));
    at += 12 + length;
  }
  return parts;
}

/** The first n bytes; null where there are fewer, or far more: a small file can hold more than any memory. */
async function inflated(blob, n) {
  const out = new Uint8Array(n);
  const reader = blob.stream().pipeThrough(new DecompressionStream("deflate")).getReader();
  let at = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    if (at < n) out.set(part.value.subarray(0, n - at), at);
    at += part.value.length;
    if (at > 2 * n + SPARE) await reader.cancel();
  }
  return at < n || at > 2 * n + SPARE ? null : out;
}

/** Lines without their filters (PNG 1.2, section 6), each of which begins with the number of its own; null where one is none. */
function unfiltered(lines, length, height, step) {
  const out = new Uint8Array(length * height);
  for (let y = 0; y < height; y++) {
    const filter = lines[y * (length + 1)];
    if (filter > 4) return null;
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
