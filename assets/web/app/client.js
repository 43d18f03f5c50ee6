// The page's end of the worker: questions go out, answers come back in any order.

const root = new URL("..", import.meta.url).href;
const waiting = new Map();
let last = 0;

/**
 * A worker from a file would follow no policy but what its host sends along, and a plain host sends none; one from a
 * blob inherits that of the page, so that the worker, too, can ask nobody but this host.
 */
function start() {
  const source = `import ${JSON.stringify(new URL("worker.js", import.meta.url).href)};`;
  const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const worker = new Worker(address, { type: "module" });
  worker.onmessage = ({ data: { id, result, error } }) => {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) resolve(result);
    else reject(new Error(error));
  };
  worker.onerror = () => {
    for (const { reject } of waiting.values()) reject(new Error("The app could not be started: load the page again."));
    waiting.clear();
  };
  return worker;
}

const worker = start();

function ask(work, given, transferred = []) {
  return new Promise((resolve, reject) => {
    waiting.set(++last, { resolve, reject });
    worker.postMessage({ id: last, work, given }, transferred);
  });
}

/** Load runtime, network and what belongs to it; gives the constants of the house and what the run knows. */
export const open = () => ask("open", { list: self.CXRKD, root });

/** What the network says of a file. */
export async function answerFile(file) {
  const bytes = await file.arrayBuffer();
  return ask("file", { bytes, name: file.name }, [bytes]);
}

/** What the network says of a film that was read elsewhere (`beside.js`). */
export const answerTones = (film) => ask("tones", film);

/** What the network says of a square frame, an ImageBitmap that is used up. */
export const answerFrame = (bitmap) => ask("frame", { bitmap }, [bitmap]);
