// The list of findings: each probability against the network's own threshold, as the Classify page shows them.
import { agreement } from "./beside.js";

const SVG = "http://www.w3.org/2000/svg";
const sigmoid = (logit) => 1 / (1 + Math.exp(-logit));
const percent = (share) => `${(100 * share).toFixed(1)}%`;

/** What is known of each finding of an answer, in the order of the logits. */
function findings({ logits }, { house, run }) {
  return Array.from(logits, (logit, k) => {
    const threshold = run?.thresholds[k] ?? null;
    const prob = sigmoid(logit);
    const standing = run?.standing[k];
    const why = standing?.not_judged || (threshold === null ? "no threshold came with this network" : "");
    return { k, title: house.titles[k], prob, threshold, why, standing, called: threshold !== null && prob >= threshold };
  });
}

/**
 * Write the lists.
 * @returns {number} the finding to draw where none was chosen: of those that are called the one farthest above its
 *   threshold in logits; else the most probable one of those that can be called.
 */
export function listAnswers(answer, known, chosen, choose) {
  const { teacher } = answer;
  const all = findings(answer, known).filter(({ prob }) => !Number.isNaN(prob));
  const judged = all.filter(({ threshold }) => threshold !== null).sort((a, b) => b.prob - a.prob);
  const others = all.filter(({ threshold }) => threshold === null).sort((a, b) => b.prob - a.prob);
  const first = firstToShow(judged, others);
  const row = (one) => rowOf(one, teacher, one.k === (chosen ?? first), () => choose(one.k));
  document.getElementById("agreement").textContent = teacher ? agreement(judged, teacher) : "";
  document.getElementById("verdict").textContent = verdict(judged);
  document.getElementById("judged").replaceChildren(...judged.map(row));
  document.getElementById("unjudged").replaceChildren(...others.map(row));
  document.getElementById("how-many").textContent = `Not judged (${others.length})`;
  document.getElementById("folded").hidden = !others.length;
  return first;
}

function firstToShow(judged, others) {
  const logit = (prob) => Math.log(prob / (1 - prob));
  const margin = ({ prob, threshold }) => logit(prob) - logit(threshold);
  const called = judged.filter((one) => one.called).sort((a, b) => margin(b) - margin(a));
  return (called[0] ?? judged[0] ?? others[0]).k;
}

/** cxrkd/answers/verdict.py, with a capital letter. */
function verdict(judged) {
  const called = judged.filter((one) => one.called).map(({ title }) => title.toLowerCase());
  if (!judged.length) return "This network can call no finding: it has no thresholds.";
  const last = called.pop();
  const names = called.length ? `${called.join(", ")} and ${last}` : last;
  if (judged.length === 1) return capital(`${last ? "" : "not "}${judged[0].title.toLowerCase()}, the one finding it can call`);
  return capital(`${last ? `${names}, of` : "none of"} the ${judged.length} findings it can call`);
}

const capital = (text) => text[0].toUpperCase() + text.slice(1);

function rowOf(one, teacher, pressed, onClick) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = one.called ? "called" : "";
  button.setAttribute("aria-pressed", String(pressed));
  button.dataset.prob = one.prob;
  button.dataset.label = one.title;
  button.append(text("name", one.title), bar(one, teacher), text("value", percent(one.prob)));
  if (teacher) button.append(text("skill", besides(teacher, one.k)));
  button.append(text("skill", aside(one)));
  button.addEventListener("click", onClick);
  const item = document.createElement("li");
  item.append(button);
  return item;
}

function text(kind, words) {
  const span = document.createElement("span");
  span.className = kind;
  span.textContent = words;
  return span;
}

/** Whether it is called, and how good the network is at it. */
function aside({ called, threshold, why, standing }) {
  const says = threshold === null ? `not judged: ${why}` : `${called ? "yes" : "no"}, threshold ${percent(threshold)}`;
  if (standing?.auroc == null) return says;
  const interval = `${standing.auroc_low.toFixed(3)} to ${standing.auroc_high.toFixed(3)}`;
  return `${says} · AUROC ${standing.auroc.toFixed(3)} (${interval})`;
}

/** What the teacher says of the same finding. */
function besides({ title, probs, thresholds }, k) {
  if (probs[k] === null) return `${title}: was never taught it`;
  const call = thresholds[k] === null ? "not judged" : probs[k] >= thresholds[k] ? "yes" : "no";
  return `${title}: ${percent(probs[k])}, ${call}`;
}

function bar({ k, prob, threshold }, teacher) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "bar");
  svg.setAttribute("aria-hidden", "true");
  const at = (share) => `${100 * share}%`;
  svg.append(line("track", 0, 1), line("reach", 0, prob));
  if (threshold !== null) svg.append(shape("line", { class: "cut", x1: at(threshold), x2: at(threshold), y1: 1, y2: 15 }));
  const other = teacher?.probs[k] ?? null;
  if (other !== null) svg.append(shape("circle", { class: "other", cx: at(other), cy: 8, r: 5 }));
  svg.append(shape("circle", { class: "prob", cx: at(prob), cy: 8, r: 5 }));
  return svg;
  function line(kind, from, to) {
    return shape("line", { class: kind, x1: at(from), x2: at(to), y1: 8, y2: 8 });
  }
}

function shape(kind, attributes) {
  const element = document.createElementNS(SVG, kind);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}
