// A file or a frame -> what the network sees, with the gate's verdict: the route of cxrkd/images.
import { isDicom, readDicom } from "./dicom.js";
import { isPng } from "./png.js";
import { fromBitmap, isJpeg, readRaster } from "./raster.js";
import { Refusal } from "./refusal.js";
import { centreSquare, resized } from "./resize.js";
import { extremes, inEightBits } from "./tones.js";

/** A chosen file as a film. */
export async function filmOfFile(buffer, name, house, gate) {
  const bytes = new Uint8Array(buffer);
  if (!bytes.length) throw new Refusal(`${name} is empty. Export the radiograph again and choose the new file.`);
  if (bytes.length > house.limits.bytes) throw new Refusal(`${name} is too large for a single radiograph.`);
  return film(await decoded(bytes, name, house), name, house, gate);
}

async function decoded(bytes, name, house) {
  if (isPng(bytes) || isJpeg(bytes)) return readRaster(bytes, name, house);
  if (isDicom(bytes)) return readDicom(bytes, name, house);
  throw new Refusal(`${name} is no PNG, JPEG or DICOM file. Expected a radiograph in one of these.`);
}

/** A square frame of the camera as a film. */
export function filmOfFrame(bitmap, house, gate) {
  const frame = { ...fromBitmap(bitmap, "The camera's picture", house), notes: [] };
  return film(frame, "Camera", house, gate, false);
}

function film({ picture, notes, colour }, name, house, gate, refuseBlank = true) {
  const [low, high] = extremes(picture.data);
  if (refuseBlank && !(high - low >= house.least_contrast)) {
    throw new Refusal(`${name} is blank: all its pixels have the same tone. Choose an image that shows a chest.`);
  }
  const image = inEightBits(resized(centreSquare(picture), house.size).data);
  return { name, image, notes: [...notes, ...crop(picture, house)], gate: gate(picture, colour) };
}

function crop({ width, height }, house) {
  const lost = 1 - Math.min(width, height) / Math.max(width, height);
  if (lost <= house.notable_crop) return [];
  const side = width > height ? "width" : "height";
  const what = `the image is ${width} x ${height} pixels and models see its central square`;
  return [`${what}: ${Math.round(100 * lost)}% of its ${side} is not looked at`];
}
