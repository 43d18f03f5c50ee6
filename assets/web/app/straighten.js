// Four corners in a picture -> the rectangle that is seen there, as if from straight ahead.

/**
 * @param {ImageData} picture
 * @param {number[][]} corners (x, y) of its corners, clockwise from what becomes the upper left; pixels have their
 *   centres at whole numbers, and corners lie at the outer edges of the pixels of the film.
 * @param {number} width @param {number} height pixels of the result
 * @returns {ImageData} bilinear
 */
export function straightened({ data, width: across, height: down }, corners, width, height) {
  const [a, b, c, d, e, f, g, h] = projection(corners);
  const out = new ImageData(width, height);
  const tones = out.data;
  for (let j = 0, at = 0; j < height; j++) {
    const v = (j + 0.5) / height;
    for (let i = 0; i < width; i++, at += 4) {
      const u = (i + 0.5) / width;
      const depth = g * u + h * v + 1;
      const x = Math.max(0, Math.min(across - 1, (a * u + b * v + c) / depth));
      const y = Math.max(0, Math.min(down - 1, (d * u + e * v + f) / depth));
      const left = Math.min(x | 0, across - 2);
      const top = Math.min(y | 0, down - 2);
      const right = x - left;
      const below = y - top;
      const here = 4 * (top * across + left);
      const under = here + 4 * across;
      for (let k = 0; k < 3; k++) {
        const above = data[here + k] + right * (data[here + 4 + k] - data[here + k]);
        const beneath = data[under + k] + right * (data[under + 4 + k] - data[under + k]);
        tones[at + k] = above + below * (beneath - above);
      }
      tones[at + 3] = 255;
    }
  }
  return out;
}

/** Eight coefficients that take the unit square to four corners (Heckbert, Fundamentals of texture mapping, 1989). */
function projection([[x0, y0], [x1, y1], [x2, y2], [x3, y3]]) {
  const [dx1, dx2, dx3] = [x1 - x2, x3 - x2, x0 - x1 + x2 - x3];
  const [dy1, dy2, dy3] = [y1 - y2, y3 - y2, y0 - y1 + y2 - y3];
  const whole = dx1 * dy2 - dx2 * dy1;
  const [g, h] = [(dx3 * dy2 - dx2 * dy3) / whole, (dx1 * dy3 - dx3 * dy1) / whole];
  return [x1 - x0 + g * x1, x3 - x0 + h * x3, x0, y1 - y0 + g * y1, y3 - y0 + h * y3, y0, g, h];
}
