// The network: one file, one thread, answers and maps in one pass.
import * as ort from "../vendor/ort.wasm.bundle.min.mjs";

const RUNTIME = "vendor/ort-wasm-simd-threaded.wasm.pack";
const NETWORK = "network.onnx";

/** The runtime as it is meant to be run. It is stored compressed, because not every host compresses what it serves. */
async function runtime(fetchFile) {
  const packed = await fetchFile(RUNTIME);
  return new Response(packed.body.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

/**
 * @param {(path: string) => Promise<Response>} fetchFile gives a file of the app.
 * @returns {Promise<(image: Float32Array, size: number) => Promise<{logits: Float32Array, maps: Float32Array,
 *   grid: number[]}>>} asks about one image of size x size tones in [0, 1]; maps are raw and signed, (K, h, w).
 */
export async function openNetwork(fetchFile) {
  const [wasm, graph] = await Promise.all([
    runtime(fetchFile),
    fetchFile(NETWORK).then((response) => response.arrayBuffer()),
  ]);
  ort.env.wasm.wasmBinary = wasm;
  // Several threads need headers that a plain host does not send.
  ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create(new Uint8Array(graph), {
    executionProviders: ["wasm"],
    graphOptimizationLevel: "all",
  });
  return async (image, size) => {
    const input = new ort.Tensor("float32", image, [1, 1, size, size]);
    const { logits, maps } = await session.run({ image: input });
    return { logits: logits.data, maps: maps.data, grid: maps.dims.slice(2) };
  };
}
