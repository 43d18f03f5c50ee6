// Serves the app from what the browser keeps. A new version is kept beside the old one and takes over when it is whole.
importScripts("files.js");

const { version, files } = self.CXRKD;
const scope = self.registration.scope;
const NAME = `${scope}#${version}`; // as in app/kept.js
const address = (path) => new URL(path, scope).href;

/** Each file as it is on the host, and as the list says: what a browser or a proxy kept may be of another version. */
async function keepAll() {
  const cache = await caches.open(NAME);
  const list = new Response(`self.CXRKD = ${JSON.stringify(self.CXRKD)};\n`, { headers: { "Content-Type": "text/javascript" } });
  await cache.put(address("files.js"), list);
  for (const [path, sum] of Object.entries(files)) {
    if (await cache.match(address(path))) continue;
    await cache.add(new Request(address(path), { cache: "no-cache", integrity: integrity(sum) }));
  }
}

function integrity(hexadecimal) {
  const bytes = hexadecimal.match(/../g).map((byte) => parseInt(byte, 16));
  return `sha256-${btoa(String.fromCharCode(...bytes))}`;
}

async function forgetOthers() {
  const old = (await caches.keys()).filter((name) => name.startsWith(`${scope}#`) && name !== NAME);
  await Promise.all(old.map((name) => caches.delete(name)));
  await self.clients.claim();
}

async function kept(request) {
  const cache = await caches.open(NAME);
  const asked = request.url.split(/[?#]/)[0];
  return (await cache.match(asked === scope ? address("index.html") : asked)) ?? fetch(request);
}

self.addEventListener("install", (event) => event.waitUntil(keepAll().then(() => self.skipWaiting())));
self.addEventListener("activate", (event) => event.waitUntil(forgetOthers()));
self.addEventListener("fetch", (event) => {
  if (event.request.method === "GET" && event.request.url.startsWith(scope)) event.respondWith(kept(event.request));
});
