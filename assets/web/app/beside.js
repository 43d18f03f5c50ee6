// A film with its teacher's answer, handed over by the dashboard around this page. It stands in the address behind "#",
// the part that a browser sends to nobody.

/**
 * @returns {{name: string, tones: Uint8Array, gate: object, notes: string[], teacher: {title: string,
 *   probs: (number|null)[], thresholds: (number|null)[]}} | null} null where the address carries no such film.
 */
export function handedOver({ size, labels }) {
  try {
    const film = JSON.parse(new TextDecoder().decode(bytes(location.hash.slice(1))));
    const tones = bytes(film.tones);
    const { probs, thresholds } = film.teacher;
    const whole = tones.length === size * size && [probs, thresholds].every((some) => some.length === labels.length);
    return whole ? { ...film, tones } : null;
  } catch {
    return null; // an address without a film, or one that was cut
  }
}

function bytes(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

/** In how many of the findings that both can call they say the same, and how far apart their probabilities are. */
export function agreement(findings, teacher) {
  const both = findings.filter(({ k, threshold }) => threshold !== null && teacher.thresholds[k] !== null);
  if (!both.length) return "";
  const same = both.filter(({ k, called }) => called === teacher.probs[k] >= teacher.thresholds[k]).length;
  const apart = Math.max(...both.map(({ k, prob }) => Math.abs(prob - teacher.probs[k])));
  const of = both.length === 1 ? "the one finding" : `${same} of the ${both.length} findings`;
  const agree = both.length === 1 && !same ? "disagree on" : "agree on";
  return `The ${teacher.title.toLowerCase()} on the server and this network ${agree} ${of} that both can call; their probabilities differ by ${(100 * apart).toFixed(1)} points at most.`;
}
