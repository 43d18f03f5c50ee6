// What of the camera's picture is answered: the film, straightened, or the middle where no film's edges are found.
import { aspectOf, findFilm } from "./edges.js";
import { Grey } from "./resize.js";
import { straightened } from "./straighten.js";

const SIDE = 480; // enough for networks of 224 px; more would only be averaged away
const LONG = 720; // the longer side of the picture that is looked at
const BLOCK = 3; // its pixels for one of the small picture in which edges are looked for
const SQUARE = 0.04; // a film that is as near as this to a square is one: corners tell its sides no better
const NEAR = 0.02; // of the diagonal: corners that moved less are still those of the same film
const PATIENCE = 4; // pictures for which a film that is lost may come back

/** Looks at one picture of a video after the other: each is framed, and `found` says whether by a film's edges. */
export function framing() {
  const steady = steadied();
  return (video, { find, closer, degrees, quarters }) => {
    const picture = find ? pictureOf(video) : null;
    const corners = steady(picture && cornersIn(picture), picture ? Math.hypot(picture.width, picture.height) : 0);
    if (corners) return { bitmap: bitmapOf(filmAt(picture, corners, quarters)), found: true };
    return { bitmap: middle(video, closer, degrees + 90 * quarters), found: false };
  };
}

function pictureOf(video) {
  const scale = LONG / Math.max(video.videoWidth, video.videoHeight);
  const inBlocks = (side) => BLOCK * Math.round((side * scale) / BLOCK);
  const [width, height] = [inBlocks(video.videoWidth), inBlocks(video.videoHeight)];
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "medium"; // averages where it shrinks
  context.drawImage(video, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

/** The film's corners in a picture, or null. */
export function cornersIn(picture) {
  const corners = findFilm(small(picture));
  return corners && corners.map((corner) => corner.map((at) => (at + 0.5) * BLOCK - 0.5));
}

/** Means of blocks, in grey. */
function small({ data, width, height }) {
  const [columns, rows] = [width / BLOCK, height / BLOCK];
  const out = new Float32Array(columns * rows);
  for (let y = 0, at = 0; y < height; y++) {
    const row = Math.floor(y / BLOCK) * columns;
    for (let x = 0; x < columns; x++) {
      for (let n = 0; n < BLOCK; n++, at += 4) {
        out[row + x] += 0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2];
      }
    }
  }
  return new Grey(out.map((sum) => sum / BLOCK ** 2), columns, rows);
}

/** The film in its own proportions, turned clockwise by so many quarters: the house takes its middle as of a file. */
export function filmAt(picture, corners, quarters = 0) {
  const upright = aspectOf(corners, picture.width, picture.height);
  const measured = quarters % 2 ? 1 / upright : upright;
  const aspect = Math.abs(Math.log(measured)) < SQUARE ? 1 : measured;
  const [width, height] = [Math.min(1, aspect), Math.min(1, 1 / aspect)].map((share) => Math.round(SIDE * share));
  const turned = corners.map((_, n) => corners[(n - quarters + 4) % 4]);
  return straightened(picture, turned, width, height);
}

function bitmapOf(picture) {
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  canvas.getContext("2d").putImageData(picture, 0, 0);
  return canvas.transferToImageBitmap();
}

/** The middle of a picture as a square, `closer` times as large, turned clockwise by so many degrees. */
function middle(video, closer, degrees) {
  const canvas = new OffscreenCanvas(SIDE, SIDE);
  const context = canvas.getContext("2d");
  const scale = (closer * SIDE) / Math.min(video.videoWidth, video.videoHeight);
  context.translate(SIDE / 2, SIDE / 2);
  context.rotate((degrees * Math.PI) / 180);
  context.scale(scale, scale);
  context.drawImage(video, -video.videoWidth / 2, -video.videoHeight / 2);
  return canvas.transferToImageBitmap();
}

/** Corners over time: two pictures in a row must agree; then they glide, and wait for a film that is lost briefly. */
export function steadied() {
  let [kept, asked, missed] = [null, null, 0];
  const near = (some, others, diagonal) =>
    some.every(([x, y], n) => Math.hypot(x - others[n][0], y - others[n][1]) < NEAR * diagonal);
  return (corners, diagonal) => {
    if (!diagonal) return (kept = asked = null);
    if (corners && kept && near(corners, kept, diagonal)) {
      kept = kept.map((corner, n) => corner.map((at, m) => (at + corners[n][m]) / 2));
      [asked, missed] = [null, 0];
    } else if (corners && asked && near(corners, asked, diagonal)) {
      [kept, asked, missed] = [corners, null, 0];
    } else {
      asked = corners;
      if (++missed > PATIENCE) kept = null;
    }
    return kept;
  };
}
