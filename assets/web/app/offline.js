// From the second visit on the app comes from this device, with or without a network.

/** Keep every file; gives a sentence on what has come of it. */
export async function keepOffline() {
  if (!("serviceWorker" in navigator)) return "Ready; works offline only when served by https";
  try {
    const { installing } = await navigator.serviceWorker.register("sw.js", { updateViaCache: "none" });
    await Promise.race([navigator.serviceWorker.ready, failure(installing)]);
    return "Ready, works offline";
  } catch {
    return "Ready; this browser keeps nothing for offline use";
  }
}

/** Fails when a worker is given up before it is ready: a file is damaged, or there is no room for all. */
function failure(worker) {
  return new Promise((_, reject) => {
    worker?.addEventListener("statechange", () => worker.state === "redundant" && reject(new Error("given up")));
  });
}
