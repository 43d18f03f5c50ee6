// Files of the app: kept by the browser under the version that the list of files names, fetched when they are not.
// A file counts as whole only if it is what the list says.

/** The SHA-256 of bytes in hexadecimal digits. */
async function digest(bytes) {
  const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(sum, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * @param {{version: string, files: Object<string, string>}} list what `files.js` says.
 * @param {string} root address of the folder of the app.
 * @returns {(path: string) => Promise<Response>} gives a file; throws an Error with a sentence where it cannot.
 */
export function keeper(list, root) {
  // Outside a secure context a browser keeps no files and counts no sums: each visit then fetches what it needs.
  const keeps = "caches" in self && crypto.subtle !== undefined;
  return async (path) => {
    const address = new URL(path, root).href;
    const cache = keeps ? await caches.open(cacheName(list, root)).catch(() => null) : null;
    const kept = await cache?.match(address);
    if (kept) return kept;
    const response = await fetch(address, { cache: "no-cache" }).catch(() => null);
    if (!response?.ok) throw new Error(`${path} could not be fetched: connect to the network and load the page again.`);
    if (!keeps) return response;
    const bytes = await response.arrayBuffer();
    if ((await digest(bytes)) !== list.files[path]) {
      throw new Error(`${path} arrived damaged or is of another version: load the page again.`);
    }
    const headers = { "Content-Type": response.headers.get("Content-Type") ?? "application/octet-stream" };
    await cache?.put(address, new Response(bytes, { headers })).catch(() => null); // no room: fetched at each visit
    return new Response(bytes, { headers });
  };
}

/** One a folder and version: several exports may lie on one host. */
export function cacheName(list, root) {
  return `${root}#${list.version}`; // as in sw.js
}
