// Where a film lies in a picture of the camera: its four corners, or nothing where that is not sure.
import { fitted, linesOf } from "./lines.js";

const LEAST_SIDE = 0.28; // of the picture's shorter side
const LEAST_AREA = 0.16; // of the picture's area
const OUTSIDE = 1.5; // pixels by which a corner may lie outside of the picture
const UNEVEN = 1.6; // opposite sides, the longer by the shorter: as much as perspective makes of equal ones
const WIDEST = 1.36; // a film's longer side by its shorter one
const LEAST_HELD = 0.25; // of each side is an edge
const BENT = 0.5; // slopes of opposite sides differ by less
const FOCAL = 0.72; // of the diagonal: cameras of phones and of laptops lie between 0.6 and 0.9
const QUIET = 1.1; // tones a pixel: bare light boxes and bezels change less
const LOOKED_AT = 24; // the most promising rectangles
const APART = 0.02; // of the diagonal: corners that lie nearer, on average, are those of one rectangle
const SURE = 0.5; // log odds from which on a rectangle is taken
const MARGIN = 0.75; // by which the best one is surer than any other

// Log odds that a rectangle is the film, a logistic regression over those of drawn scenes (docs/experiments.md).
const ODDS = { start: -12.4, held: 15.6, oneSign: 0.9, runOn: -26, oblong: -2.3, divided: -10.4 };
const DIVIDED = 0.55; // what ribs and spines reach by themselves

/**
 * @param {import("./resize.js").Grey} picture small (about 200 pixels wide), tones from 0 to 255
 * @returns {number[][] | null} corners (x, y) in pixels, clockwise from the upper left one.
 */
export function findFilm(picture) {
  const { ranked, ridges } = candidates(picture);
  const [best, ...others] = ranked;
  if (!best || best.odds < SURE) return null;
  const apart = APART * Math.hypot(picture.width, picture.height);
  const rival = others.find((other) => distance(other.corners, best.corners) > apart);
  return rival && best.odds - rival.odds < MARGIN ? null : refined(best, ridges);
}

/** The rectangles that could be the film, the likeliest first. */
export function candidates(picture) {
  const { upright, level, ridges, steepness } = linesOf(picture);
  const all = rectangles(upright, level, picture).sort((a, b) => b.odds - a.odds);
  const looked = [];
  for (const one of all) {
    if (looked.some((other) => distance(one.corners, other.corners) < 2)) continue;
    looked.push(judged(one, upright, level, steepness));
    if (looked.length === LOOKED_AT) break;
  }
  return { ranked: looked.sort((a, b) => b.odds - a.odds), ridges };
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const oddsOf = (known) => Object.entries(known).reduce((sum, [name, value]) => sum + ODDS[name] * value, ODDS.start);
const length = ([x, y], [u, v]) => Math.hypot(u - x, v - y);
const ratio = (one, two) => Math.max(one, two) / Math.min(one, two);
const distance = (some, others) => some.reduce((sum, corner, n) => sum + length(corner, others[n]) / 4, 0);

/** Where an upright and a level line meet. */
function crossing(upright, level) {
  const x = (upright.slope * level.start + upright.start) / (1 - upright.slope * level.slope);
  return [x, level.slope * x + level.start];
}

/** Two upright and two level lines each, all four held by edges. */
function rectangles(upright, level, { width, height }) {
  const least = LEAST_SIDE * Math.min(width, height);
  const out = [];
  for (const left of upright) {
    for (const right of upright) {
      if (right === left || Math.abs(right.slope - left.slope) > BENT) continue;
      const rows = rowsBetween(left, right, level, least, width, height);
      for (const top of rows) {
        for (const bottom of rows) {
          if (bottom.p[1] - top.p[1] < least || bottom.q[1] - top.q[1] < least) continue;
          const one = rectangle(left, top, right, bottom, width, height);
          if (one) out.push(one);
        }
      }
    }
  }
  return out;
}

/** The level lines that are an edge from one upright line to another, and where they meet these. */
function rowsBetween(left, right, level, least, width, height) {
  const inside = ([x, y]) => x > -OUTSIDE && y > -OUTSIDE && x < width - 1 + OUTSIDE && y < height - 1 + OUTSIDE;
  const out = [];
  for (const line of level) {
    const [p, q] = [crossing(left, line), crossing(right, line)];
    if (q[0] - p[0] < least || !inside(p) || !inside(q)) continue;
    const side = held(line, p[0], q[0]);
    if (side.rising + side.falling >= LEAST_HELD) out.push({ line, p, q, side });
  }
  return out;
}

function rectangle(left, top, right, bottom, width, height) {
  const corners = [top.p, top.q, bottom.q, bottom.p];
  const [a, b, c, d] = corners;
  if (ratio(length(a, b), length(c, d)) > UNEVEN || ratio(length(b, c), length(d, a)) > UNEVEN) return null;
  if ((c[0] - a[0]) * (d[1] - b[1]) - (c[1] - a[1]) * (d[0] - b[0]) < 2 * LEAST_AREA * width * height) return null;
  const sides = [held(left, a[1], d[1]), top.side, held(right, b[1], c[1]), bottom.side];
  const shares = sides.map(({ rising, falling }) => rising + falling);
  if (Math.min(...shares) < LEAST_HELD) return null;
  const oblong = Math.abs(Math.log(aspectOf(corners, width, height)));
  if (!(oblong < Math.log(WIDEST))) return null;
  const share = mean(shares);
  const bright = mean([sides[0].rising, sides[1].rising, sides[2].falling, sides[3].falling]);
  const runOn = mean(sides.map(({ before, after }) => before + after)) / 4; // half of the most, until more is seen
  const known = { held: share, oneSign: Math.max(bright, share - bright), oblong, runOn };
  return { lines: [left, top.line, right, bottom.line], corners, sides, known, odds: oddsOf(known) };
}

/** How much of a line between two steps is an edge, by its sign, and how much of it runs on before and after. */
function held({ rising, falling }, from, to) {
  const last = rising.length - 1;
  const at = (sums, t) => {
    const place = Math.max(0, Math.min(last, t + 0.5));
    const low = Math.min(Math.floor(place), last - 1);
    return sums[low] + (sums[low + 1] - sums[low]) * (place - low);
  };
  const share = (sums, begin, end) => (at(sums, end) - at(sums, begin)) / (end - begin);
  const own = { rising: share(rising, from, to), falling: share(falling, from, to) };
  const mostly = own.rising / Math.max(own.rising + own.falling, 1e-6);
  const more = 0.15 * (to - from);
  const beyond = (begin, end) =>
    begin < -1 || end > last ? 0 : mostly * share(rising, begin, end) + (1 - mostly) * share(falling, begin, end);
  return { ...own, before: beyond(from - 2 - more, from - 2), after: beyond(to + 2, to + 2 + more) };
}

/** What takes longer to see of a rectangle, and how likely all of it makes that this is the film. */
function judged(one, upright, level, steepness) {
  const { sides, corners, lines } = one;
  const [left, top, right, bottom] = sides;
  // Sides that run on beyond their neighbour: within a film they do; at its border only where nothing lies outside.
  const neighbours = [[top, bottom], [left, right]];
  const runs = ["before", "after"].flatMap((end) => neighbours.map(([one, other]) => one[end] + other[end]));
  const runOn = mean(runs.map((run, n) => (run / 2) * (1 - 0.8 * quietBeyond(corners, n, steepness))));
  const known = { ...one.known, runOn, divided: Math.max(0, divided(lines, upright, level) - DIVIDED) };
  return { ...one, known, odds: oddsOf(known) };
}

// The corners of left, top, right and bottom, each with those of its opposite.
const SIDES = [[3, 0, 2, 1], [0, 1, 3, 2], [1, 2, 0, 3], [2, 3, 1, 0]];

/** How quiet it is outside of a side, from 0 to 1. */
function quietBeyond(corners, n, { data, width, height }) {
  const [p, q, r, s] = SIDES[n].map((m) => corners[m]);
  const pixel = 2 / (length(p, r) + length(q, s));
  let [quiet, all] = [0, 0];
  for (const depth of [3 * pixel, 4.5 * pixel, 3 * pixel + 0.04]) {
    for (let step = 0; step < 24; step++) {
      const t = 0.06 + (0.88 * step) / 23;
      const at = (m) => p[m] + (q[m] - p[m]) * t - depth * (r[m] - p[m] + (s[m] - q[m] - r[m] + p[m]) * t);
      const [x, y] = [Math.round(at(0)), Math.round(at(1))];
      if (x < 1 || y < 1 || x >= width - 1 || y >= height - 1) continue;
      all++;
      if (data[y * width + x] < QUIET) quiet++;
    }
  }
  return all < 36 ? 0.5 : Math.max(0, Math.min(1, (quiet / all - 0.5) / 0.3));
}

/** How much of a line from side to side within is an edge: half in a film, all in a screen that holds one. */
function divided([left, top, right, bottom], upright, level) {
  let most = 0;
  const look = (lines, own, far, one, other, axis, meet) => {
    const ends = [one, other].map((line) => [meet(own, line)[1 - axis], meet(far, line)[1 - axis]]);
    for (const line of lines) {
      if (line === own || line === far) continue;
      const [p, q] = [meet(line, one), meet(line, other)];
      const shares = [p, q].map((at, n) => (at[1 - axis] - ends[n][0]) / (ends[n][1] - ends[n][0]));
      if (Math.min(...shares) < 0.025 || Math.max(...shares) > 0.975) continue;
      const { rising, falling } = held(line, p[axis], q[axis]);
      most = Math.max(most, rising, falling, 0.9 * (rising + falling));
    }
  };
  look(upright, left, right, top, bottom, 1, crossing);
  look(level, top, bottom, left, right, 0, (line, across) => crossing(across, line));
  return most;
}

/** The corners of sides that were each drawn anew through their own edge alone. */
function refined({ lines, corners: [a, b, c, d] }, { upright, level }) {
  const again = (ridges, line, from, to) => fitted(ridges, line.slope, line.start, from + 1, to - 1) ?? line;
  const [left, right] = [again(upright, lines[0], a[1], d[1]), again(upright, lines[2], b[1], c[1])];
  const [top, bottom] = [again(level, lines[1], a[0], b[0]), again(level, lines[3], d[0], c[0])];
  return [crossing(left, top), crossing(right, top), crossing(right, bottom), crossing(left, bottom)];
}

/**
 * Width by height of the rectangle that is seen as these corners (Zhang and He, Whiteboard scanning and image
 * enhancement, 2007), the focal length taken as known: corners of what is seen from ahead do not tell it.
 */
export function aspectOf(corners, width, height) {
  const f = FOCAL * Math.hypot(width, height);
  const [a, b, c, d] = corners.map(([x, y]) => [x - (width - 1) / 2, y - (height - 1) / 2]);
  const det = ([x, y], [u, v], [p, q]) => (u - x) * (q - y) - (v - y) * (p - x);
  // How far the neighbours of the first corner lie, in units of its own distance: the rectangle is a parallelogram.
  const whole = det(b, c, d);
  const [kb, kd] = [det(a, c, d) / whole, det(a, b, c) / whole];
  const side = ([x, y], k) => Math.hypot((k * x - a[0]) / f, (k * y - a[1]) / f, k - 1);
  return side(b, kb) / side(d, kd);
}
