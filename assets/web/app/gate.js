// The radiograph gate: is this an upright frontal chest film? Rules and coefficients are those of cxrkd/images/gate.py.
import { features, shrink, span } from "./looks.js";

/**
 * @param {Object<string, Float32Array>} model weight (F, K), bias (K), mean, basis and scale of the plane.
 * @param {object} rules what `house.json` says of the gate.
 * @returns {(picture: import("./resize.js").Grey, colour: number) => {passed: boolean, kind: string, reason: string,
 *   score: number}} judges a picture with that share of coloured pixels.
 */
export function gateOf(model, rules) {
  const verdict = (kind, score) => ({ passed: kind === "chest", kind, reason: rules.reasons[kind], score });
  return (picture, colour) => {
    const small = shrink(picture);
    if (span(small) < rules.blank_span) return verdict("blank", 0);
    if (colour > rules.coloured_share) return verdict("colour", 0);
    const probs = softmax(scores(features(small, model), model));
    if (probs[0] >= rules.threshold) return verdict("chest", probs[0]);
    return verdict(rules.kinds[1 + argmax(probs.slice(1))], probs[0]);
  };
}

function scores(values, { weight, bias }) {
  const n = bias.length;
  return Array.from(bias, (start, k) => values.reduce((sum, value, f) => sum + value * weight[f * n + k], start));
}

function softmax(values) {
  const most = Math.max(...values);
  const powers = values.map((value) => Math.exp(value - most));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}

function argmax(values) {
  return values.indexOf(Math.max(...values));
}
