// The page: what is chosen, what is answered, what is shown. Each part is a module of its own.
import { listAnswers } from "./answers.js";
import { handedOver } from "./beside.js";
import { startCamera } from "./camera.js";
import { chooseFiles } from "./choosing.js";
import { answerFile, answerFrame, answerTones, open } from "./client.js";
import { keepOffline } from "./offline.js";
import { draw, erase } from "./picture.js";

const PRIVATE = "Nothing leaves this device.";
const SERVED = "This film came by the server, whose teacher answered it.";
const part = (id) => document.getElementById(id);
let known; // constants of the house and of the run
let shown = null; // the answer on the page
let label = null; // the finding whose evidence is drawn; null is the first of the list
let allowed = false; // the visitor wants answers though the gate flags the film

function tell(state) {
  part("state").textContent = state;
  document.body.dataset.state = state;
}

function problem(sentence) {
  part("problem").textContent = sentence;
  part("problem").hidden = !sentence;
}

/** Draw an answer, or the same one again after a click. */
function show(answer) {
  shown = answer;
  const { film, ms } = answer;
  const flagged = !film.gate.passed && !allowed;
  part("hint").hidden = true;
  part("answers").hidden = false;
  part("flagged").hidden = !flagged;
  part("anyway").hidden = film.name === "Camera";
  part("reason").textContent = film.gate.reason;
  part("said").hidden = flagged;
  const first = listAnswers(answer, known, label, choose);
  const drawn = flagged || !part("where").checked ? null : (label ?? first);
  const words = draw(part("picture"), answer, known, drawn);
  part("about").textContent = [`${film.name} · answered in ${Math.round(ms)} ms`, words, ...film.notes].filter(Boolean).join(" · ");
}

/** Nothing is shown: beside the sentence that refuses a film, another film's answer would be taken for its own. */
function clear() {
  shown = null;
  part("answers").hidden = true;
  part("hint").hidden = false;
  part("about").textContent = "";
  erase(part("picture"));
}

function choose(k) {
  label = k;
  show(shown);
}

async function answer(ask) {
  try {
    const answered = await ask();
    problem("");
    show(answered);
  } catch (error) {
    problem(error.message);
    clear();
  }
}

/** Who answers, and who knows the film. */
function introduce(privacy) {
  const who = known.run ? `${known.run.title} of run ${known.run.name}` : "A small network";
  part("lead").textContent = `${who} answers a chest film here, in this browser. ${privacy}`;
}

async function onFile(file) {
  camera.stop();
  introduce(PRIVATE);
  [label, allowed] = [null, false];
  await answer(() => answerFile(file));
}

/** The film that the dashboard around this page hands over, with what its teacher says of it. */
async function onHandedOver() {
  const film = handedOver(known.house);
  if (!film) return;
  camera.stop();
  introduce(SERVED);
  [label, allowed] = [null, false];
  await answer(async () => ({ ...(await answerTones(film)), teacher: film.teacher }));
}

const camera = startCamera({
  parts: { toggle: part("camera"), controls: part("straighten"), closer: part("closer"), turn: part("turn"),
    quarter: part("quarter"), hold: part("hold"), find: part("find"), edges: part("edges"), rate: part("rate") },
  onFrame: async (bitmap) => answer(() => answerFrame(bitmap)),
  onStart: () => {
    introduce(PRIVATE);
    [label, allowed] = [null, false];
  },
  onProblem: problem,
});

part("where").addEventListener("change", () => shown && show(shown));
part("anyway").addEventListener("click", () => {
  allowed = true;
  show(shown);
});

async function start() {
  for (const control of [part("file"), part("camera")]) control.disabled = true;
  try {
    known = await open();
  } catch (error) {
    problem(error.message);
    tell("Not loaded");
    return;
  }
  const { run } = known;
  introduce(PRIVATE);
  part("warning").textContent = run?.warning ?? "";
  part("warning").hidden = !run?.warning;
  chooseFiles({ field: part("file"), place: document.body, onFile });
  for (const control of [part("file"), part("camera")]) control.disabled = false;
  addEventListener("hashchange", onHandedOver);
  onHandedOver();
  document.body.dataset.ready = String(Math.round(performance.now()));
  tell("Ready");
  tell(await keepOffline());
}

start();
