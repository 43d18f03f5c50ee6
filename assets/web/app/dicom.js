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
const [END_OF_ITEM, END_OF_SEQUENCE] = ["fffee00d", "fffee0dd"];
const FULL_ENOUGH = 0.9;
const MUCH_LOST = 0.5;
const LARGEST = 1e30;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const BINARY = ["samples", "rows", "columns", "allocated", "stored", "highBit", "signed", "padding"];
const NUMBERS = ["centre", "width", "intercept", "slope", "frames", "spacing", "imagerSpacing", "scannedSpacing", "aspect"];
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
  "00182010": "scannedSpacing",
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
  const { data, notes } = seen(values, read, house, name);
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
      if (group > 2) checkSyntax(read.syntax, name);
      const one = elementAt(view, at, explicit);
      const key = WANTED[one.tag];
      if (key !== undefined) read[key] = value(view, bytes, key, one);
      at = endOf(view, one, explicit);
    }
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal(`${name} begins like a DICOM file but could not be read to its end. Export it again.`);
  }
  return read;
}

/** Tag, kind of value, and where the value lies; items of sequences have no kind. */
function elementAt(view, at, explicit) {
  const tag = hex(view.getUint16(at, true)) + hex(view.getUint16(at + 2, true));
  const kind = explicit && !tag.startsWith("fffe") ? String.fromCharCode(view.getUint8(at + 4), view.getUint8(at + 5)) : "";
  const long = LONG.has(kind);
  const length = kind && !long ? view.getUint16(at + 6, true) : view.getUint32(at + (long ? 8 : 4), true);
  return { tag, kind, begin: at + (long ? 12 : 8), length };
}

const hex = (value) => value.toString(16).padStart(4, "0");

/** Behind an element; what is unknown of kind and length holds implicit ones (PS3.5, 6.2.2). */
function endOf(view, { kind, begin, length }, explicit) {
  return length === UNDEFINED ? endOfSequence(view, begin, explicit && kind !== "UN") : begin + length;
}

/** Behind the delimiter of a sequence of undefined length, item by item: what lies in them belongs to no film. */
function endOfSequence(view, at, explicit) {
  for (;;) {
    const item = elementAt(view, at, explicit);
    if (item.tag === END_OF_SEQUENCE) return item.begin;
    at = item.length === UNDEFINED ? endOfItem(view, item.begin, explicit) : item.begin + item.length;
  }
}

function endOfItem(view, at, explicit) {
  for (;;) {
    const one = elementAt(view, at, explicit);
    if (one.tag === END_OF_ITEM) return one.begin;
    at = endOf(view, one, explicit);
  }
}

function value(view, bytes, key, { begin, length }) {
  if (key === "pixels") return length === UNDEFINED ? null : bytes.subarray(begin, begin + length);
  if (key.endsWith("Table")) return true;
  if (BINARY.includes(key)) return view.getUint16(begin, true);
  const text = new TextDecoder("latin1").decode(bytes.subarray(begin, begin + length)).replaceAll("\0", "").trim();
  return NUMBERS.includes(key) ? numbers(text) : text.toUpperCase();
}

/** Numbers in text; NaN for what is none, as a number with a comma. */
function numbers(text) {
  return text && text.split("\\").map((part) => (NUMBER.test(part.trim()) ? Number(part) : NaN));
}

function checkSyntax(syntax, name) {
  if (syntax === IMPLICIT || syntax === EXPLICIT) return;
  throw new Refusal(
    `${name} is a compressed DICOM file, or one of an old order of bytes. Export it uncompressed, or as PNG, and choose that file.`,
  );
}

/** Refuse what would come out in another way than it is meant. */
function check(read, name) {
  const refuse = (what) => {
    throw new Refusal(`${name} ${what}. Export it as PNG and choose that file.`);
  };
  if (!read.pixels || !read.rows || !read.columns) refuse("is a DICOM file without an uncompressed image");
  if (read.frames?.[0] > 1) refuse(`holds ${read.frames[0]} frames; one radiograph was expected`);
  if (!["MONOCHROME1", "MONOCHROME2"].includes(read.photometric)) refuse("does not store its pixels as grey values");
  if ((read.samples ?? 1) !== 1 || ![8, 16].includes(read.allocated)) refuse("stores pixels of an unusual size");
  if (oddBits(read)) refuse("stores its bits in an unusual place");
  if (read.modalityTable || read.voiTable) refuse("is to be seen through a lookup table, which is not read here");
  if (read.padding !== undefined) refuse("is framed by padding, which is not told from film here");
  if (oddScale(read)) refuse("scales its values in an unusual way");
  if (oddWindow(read)) refuse("has a window of an unusual shape");
  if (oblong(read)) refuse("has pixels that are not square, or does not say it plainly");
  if (turned(read.orientation ?? "")) refuse("is stored turned or mirrored");
}

function oddBits({ stored, allocated, highBit, signed }) {
  return !(stored >= 1 && stored <= allocated) || (highBit ?? stored - 1) !== stored - 1 || signed > 1;
}

function oddScale({ slope, intercept }) {
  return slope?.[0] === 0 || [slope, intercept].some((one) => one && !(Math.abs(one[0]) < LARGEST));
}

function oddWindow({ centre, width, voiFunction }) {
  if (!centre && !width) return false;
  return (voiFunction || "LINEAR") !== "LINEAR" || !Number.isFinite(centre?.[0]) || !(width?.[0] > 1 && width[0] < Infinity);
}

function oblong({ spacing, imagerSpacing, scannedSpacing, aspect }) {
  const square = ([down, across, ...more]) => down > 0 && !more.length && Math.abs(Math.log(down / across)) < Math.log(1.01);
  return ![spacing, imagerSpacing, scannedSpacing, aspect].filter(Boolean).every(square);
}

function turned(orientation) {
  return orientation.replaceAll("\\", "").trim() !== "" && !/^L\w* *\\ *F\w*$/.test(orientation);
}

function storedValues(read, name) {
  const n = read.rows * read.columns;
  const size = read.allocated / 8;
  const surplus = read.pixels.length - n * size;
  if (surplus < 0 || surplus >= n * size) throw new Refusal(`${name} is damaged or incomplete: export it again.`);
  const view = new DataView(read.pixels.buffer, read.pixels.byteOffset, read.pixels.length);
  const mask = 2 ** read.stored - 1;
  const negative = read.signed ? 2 ** (read.stored - 1) : Infinity;
  return Float64Array.from({ length: n }, (_, i) => {
    const cell = (size === 1 ? view.getUint8(i) : view.getUint16(2 * i, true)) & mask;
    return cell >= negative ? cell - mask - 1 : cell;
  });
}

function rescaled(values, { slope, intercept }) {
  return values.map((one) => one * (slope?.[0] ?? 1) + (intercept?.[0] ?? 0));
}

/** Through the first window of the file, or by the range present; stretched where that leaves a tenth unused. */
function seen(values, read, house, name) {
  const { rows, columns } = read;
  if (!read.centre) {
    const { picture, note } = byPercentiles(values, "values", columns, rows, house.tones);
    return { data: picture.data, notes: [`no window in the file: ${note}`] };
  }
  const [centre, width] = [read.centre[0], read.width[0]];
  const data = Float32Array.from(values, (one) => Math.min(Math.max((one - (centre - 0.5)) / (width - 1) + 0.5, 0), 1));
  const notes = [`window of the file applied (centre ${centre}, width ${width})`, ...lost(data)];
  const [low, high] = outerPercentiles(data, columns, rows, house.tones);
  if (!(high - low >= house.least_contrast)) {
    throw new Refusal(`${name} has a window that shows nothing of it. Export it as PNG and choose that file.`);
  }
  if (high - low >= FULL_ENOUGH) return { data, notes };
  const { picture, note } = byPercentiles(data, "tones", columns, rows, house.tones);
  return { data: picture.data, notes: [...notes, note] };
}

function lost(data) {
  const share = data.reduce((sum, tone) => sum + (tone <= 0 || tone >= 1), 0) / data.length;
  return share > MUCH_LOST ? [`the file's window turns ${Math.round(100 * share)}% of the film quite black or white`] : [];
}
