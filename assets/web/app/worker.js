// Everything that computes, beside the page, which stays free to draw.
import { filmOfFile, filmOfFrame } from "./film.js";
import { gateOf } from "./gate.js";
import { keeper } from "./kept.js";
import { openNetwork } from "./network.js";
import { Refusal } from "./refusal.js";
import { tensors } from "./safetensors.js";

let app;

async function open({ list, root }) {
  const file = keeper(list, root);
  const json = (path) => file(path).then((response) => response.json());
  const [ask, house, coefficients] = await Promise.all([
    openNetwork(file),
    json("house.json"),
    file("gate.safetensors").then((response) => response.arrayBuffer()),
  ]);
  const run = "run.json" in list.files ? await json("run.json") : null;
  app = { ask, house, gate: gateOf(tensors(coefficients), house.gate) };
  await ask(new Float32Array(house.size ** 2), house.size); // the first call pays for allocations
  return { house, run };
}

/** Answers, and how long the network took for them. */
async function answered(film) {
  const began = performance.now();
  const answer = await app.ask(film.image, app.house.size);
  return { film, ...answer, ms: performance.now() - began };
}

const WORK = {
  open,
  file: async ({ bytes, name }) => answered(await filmOfFile(bytes, name, app.house, app.gate)),
  // A film that somebody else has read already: its tones, as the network sees them, and the gate's verdict.
  tones: async ({ tones, name, gate, notes }) =>
    answered({ name, image: Float32Array.from(tones, (tone) => tone / 255), notes, gate }),
  frame: async ({ bitmap }) => answered(filmOfFrame(bitmap, app.house, app.gate)),
};

self.onmessage = async ({ data: { id, work, given } }) => {
  try {
    self.postMessage({ id, result: await WORK[work](given) });
  } catch (error) {
    const refused = error instanceof Refusal || work === "open";
    if (!refused) console.error(error);
    const sentence = refused ? error.message : "Something went wrong while this was answered. Choose another file.";
    self.postMessage({ id, error: sentence });
  }
};
