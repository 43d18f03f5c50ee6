// From the second visit on the app comes from this device, with or without a network.

/** Keep every file; gives a sentence on what has come of it. */
export async function keepOffline() {
  if (!("serviceWorker" in navigator)) return "Ready; works offline only when served by https";
  try {
    await navigator.serviceWorker.register("sw.js");
    await navigator.serviceWorker.ready;
    return "Ready, works offline";
  } catch {
    return "Ready; this browser keeps nothing for offline use";
  }
}
