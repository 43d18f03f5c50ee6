// Plain films of DICOM files: uncompressed, one grey frame. Whatever else there is, is refused with a sentence, so that
// no film is shown in another way than the command line would (cxrkd/images/dicom.py reads nearly all of them).
import { Refusal } from "./refusal.js";
import { checkSize } from "./raster.js";
import { Grey } from "./resize.js";
import { byPercentiles, outerPercentiles } from "./tones.js";

const IMPLICIT = "1.2.840.10008.1.2";
const EXPLICIT = "1.2.840.10008.1.2.1";
const LONG = new Set(["OB", "OD", "OF", "OL", "OW", "SQ", "UC", "UN", "UR", "UT", "OV", "SV", "UV"]);
const UNDEFINED = 0xffffffff;
const FULL_ENOUGH = 0.9;
// Only these are ever read: names, dates and numbers of patients are stepped over.
const WANTED = {
  "00020010": "syntax",
  "00280002": "samples",
  "00280004": "photometric",
  "00280008": "frames",
  "00280010": "rows",
  "00280011": "columns",
  "00280030": "spacing",
  "00181164": "imagerSpacing",
  "00280034": "aspect",
  "00200020": "orientation",
  "00280100": "allocated",
  "00280101": "stored",
  "00280102": "highBit",
  "00280103": "signed",
  "00280120": "padding",
  "00281050": "centre",
  "00281051": "width",
  "00281052": "intercept",
  "00281053": "slope",
  "00281056": "voiFunction",
  "00283000": "modalityTable",
  "00283010": "voiTable",
  "7fe00010": "pixels",
};

export function isDicom(bytes) {
  return String.fromCharCode(...bytes.subarray(128, 132)) === "DICM";
}

/** A film in grey and what was done to it. */
export function readDicom(bytes, name, house) {
  const read = header(bytes, name);
  check(read, name);
  checkSize(read.columns, read.rows, name, house.limits);
  const values = rescaled(storedValues(read, name), read);
  const { data, notes } = seen(values, read, house.tones);
  const inverted = read.photometric === "MONOCHROME1";
  if (inverted) data.forEach((tone, i) => (data[i] = 1 - tone));
  const negative = inverted ? ["inverted: stored as MONOCHROME1, where low values are bright"] : [];
  return { picture: new Grey(data, read.columns, read.rows), notes: [...notes, ...negative], colour: 0 };
}

/** The wanted elements of a data set; those of sequences are stepped over. */
function header(bytes, name) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const read = {};
  try {
    for (let at = 132; at + 8 <= bytes.length; ) {
      const group = view.getUint16(at, true);
      const explicit = group === 2 || read.syntax !== IMPLICIT;
      const tag = hex(group) + hex(view.getUint16(at + 2, true));
      const kind = explicit ? String.fromCharCode(bytes[at + 4], bytes[at + 5]) : "";
      const long = explicit && LONG.has(kind);
      const length = explicit && !long ? view.getUint16(at + 6, true) : view.getUint32(at + (long ? 8 : 4), true);
      const begin = at + (long ? 12 : 8);
      if (group > 2) checkSyntax(read.syntax, name);
      if (WANTED[tag] !== undefined) read[WANTED[tag]] = value(view, bytes, WANTED[tag], begin, length);
      at = length === UNDEFINED ? endOfSequence(view, begin) : begin + length;
    }
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal(`${name} begins like a DICOM file but could not be read to its end. Export it again.`);
  }
  return read;
}

const hex = (value) => value.toString(16).padStart(4, "0");

/** Behind the delimiter (FFFE,E0DD) that closes a sequence of undefined length. Nested ones have delimiters, too. */
function endOfSequence(view, begin) {
  let depth = 1;
  for (let at = begin; at + 8 <= view.byteLength; at += 2) {
    if (view.getUint16(at, true) !== 0xfffe) {
      const nested = String.fromCharCode(view.getUint8(at), view.getUint8(at + 1)) === "SQ";
      if (nested && view.getUint32(at + 4, true) === UNDEFINED) depth++;
      continue;
    }
    if (view.getUint16(at + 2, true) === 0xe0dd && --depth === 0) return at + 8;
  }
  throw new RangeError("a sequence without end");
}

function value(view, bytes, key, begin, length) {
  if (key === "pixels") return length === UNDEFINED ? null : bytes.subarray(begin, begin + length);
  if (key.endsWith("Table")) return true;
  if (["samples", "rows", "columns", "allocated", "stored", "highBit", "signed", "padding"].includes(key)) {
    return view.getUint16(begin, true);
  }
  const text = new TextDecoder("latin1").decode(bytes.subarray(begin, begin + length)).replaceAll("\0", "").trim();
  return ["centre", "width", "intercept", "slope", "frames"].includes(key) ? parseFloat(text) : text;
}

function checkSyntax(syntax, name) {
  if (syntax === IMPLICIT || syntax === EXPLICIT) return;
  throw new Refusal(`${name} is a compressed DICOM file. Export it uncompressed, or as PNG, and choose that file.`);
}

/** Refuse what would come out in another way than it is meant. */
function check(read, name) {
  const refuse = (what) => {
    throw new Refusal(`${name} ${what}. Export it as PNG and choose that file.`);
  };
  if (!read.pixels || !read.rows || !read.columns) refuse("is a DICOM file without an uncompressed image");
  if (read.frames > 1) refuse(`holds ${read.frames} frames; one radiograph was expected`);
  if (!["MONOCHROME1", "MONOCHROME2"].includes(read.photometric)) refuse("does not store its pixels as grey values");
  if ((read.samples ?? 1) !== 1 || ![8, 16].includes(read.allocated)) refuse("stores pixels of an unusual size");
  if ((read.highBit ?? read.stored - 1) !== read.stored - 1) refuse("stores its bits in an unusual place");
  if (read.modalityTable || read.voiTable) refuse("is to be seen through a lookup table, which is not read here");
  if (read.padding !== undefined) refuse("is framed by padding, which is not told from film here");
  if (read.voiFunction && read.voiFunction !== "LINEAR") refuse("has a window of an unusual shape");
  if (oblong(read)) refuse("has pixels that are not square");
  if (read.orientation && read.orientation.split("\\").map((d) => d[0]).join("") !== "LF") refuse("is stored turned or mirrored");
}

function oblong({ spacing, imagerSpacing, aspect }) {
  const sides = (spacing || imagerSpacing || aspect || "1\\1").split("\\").map(Number);
  return sides.length === 2 && sides.every((side) => side > 0) && Math.abs(Math.log(sides[0] / sides[1])) > Math.log(1.01);
}

function storedValues(read, name) {
  const n = read.rows * read.columns;
  const size = read.allocated / 8;
  if (read.pixels.length < n * size) throw new Refusal(`${name} is damaged or incomplete: export it again.`);
  const view = new DataView(read.pixels.buffer, read.pixels.byteOffset, read.pixels.length);
  const mask = 2 ** read.stored - 1;
  const negative = read.signed ? 2 ** (read.stored - 1) : Infinity;
  return Float64Array.from({ length: n }, (_, i) => {
    const cell = (size === 1 ? view.getUint8(i) : view.getUint16(2 * i, true)) & mask;
    return cell >= negative ? cell - mask - 1 : cell;
  });
}

function rescaled(values, { slope, intercept }) {
  return values.map((one) => one * (slope || 1) + (intercept || 0));
}

/** Through the window of the file, or by the range present; stretched where that leaves a tenth unused. */
function seen(values, read, rules) {
  const { rows, columns, centre, width } = read;
  if (!(width >= 1) || !Number.isFinite(centre)) {
    const { picture, note } = byPercentiles(values, "values", columns, rows, rules);
    return { data: picture.data, notes: [`no window in the file: ${note}`] };
  }
  const data = Float32Array.from(values, (one) => {
    const x = one - (centre - 0.5);
    return width === 1 ? Number(x > 0) : Math.min(Math.max(x / (width - 1) + 0.5, 0), 1);
  });
  const notes = [`window of the file applied (centre ${centre}, width ${width})`];
  const [low, high] = outerPercentiles(data, columns, rows, rules);
  if (high - low >= FULL_ENOUGH) return { data, notes };
  const { picture, note } = byPercentiles(data, "tones", columns, rows, rules);
  return { data: picture.data, notes: [...notes, note] };
}
