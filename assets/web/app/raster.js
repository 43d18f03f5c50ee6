// PNG and JPEG -> grey.
import { Refusal } from "./refusal.js";
import { header, isPng, sixteenBitValues } from "./png.js";
import { fromPixels, sixteenBit } from "./tones.js";

export function isJpeg(bytes) {
  return bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;
}

/** A picture in grey, what was done to it, and the share of its pixels that have a colour. */
export async function readRaster(bytes, name, house) {
  const png = isPng(bytes);
  if (png) {
    const { width, height, depth } = header(bytes, name);
    checkSize(width, height, name, house.limits);
    if (depth === 16) {
      const { picture, note } = sixteenBit(await sixteenBitValues(bytes, name), width, height, house.tones);
      return { picture, notes: [note], colour: 0 };
    }
  }
  const storedGrey = png ? [0, 4].includes(header(bytes, name).colour) : true;
  return fromBitmap(await decoded(bytes, png, name), name, house, storedGrey);
}

async function decoded(bytes, png, name) {
  try {
    // As they are stored: neither a colour profile nor opacity may change values.
    const how = { colorSpaceConversion: "none", premultiplyAlpha: "none" };
    return await createImageBitmap(new Blob([bytes], { type: png ? "image/png" : "image/jpeg" }), how);
  } catch {
    throw new Refusal(`${name} could not be decoded: it is damaged or incomplete. Export or download it again.`);
  }
}

/** A decoded picture, as a frame of a camera is. */
export function fromBitmap(bitmap, name, house, storedGrey = true) {
  const { width, height } = bitmap;
  checkSize(width, height, name, house.limits);
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return fromPixels(context.getImageData(0, 0, width, height).data, width, height, storedGrey);
}

export function checkSize(width, height, name, limits) {
  if (width < limits.side || height < limits.side) {
    throw new Refusal(`${name} is ${width} x ${height} pixels; at least ${limits.side} x ${limits.side} are needed.`);
  }
  if (width * height > limits.pixels) {
    const most = limits.pixels / 1e6;
    throw new Refusal(`${name} has ${Math.round((width * height) / 1e6)} megapixels; at most ${most} are read.`);
  }
}
