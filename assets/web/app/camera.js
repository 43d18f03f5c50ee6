// The camera as a source of films: each picture is framed and answered.
import { framing } from "./framing.js";

const WINDOW_MS = 2000;

/**
 * Wire the camera's button and controls.
 * @param {{parts: Object<string, HTMLElement>, onFrame: (bitmap: ImageBitmap) => Promise<void>,
 *   onStart: () => void, onProblem: (sentence: string) => void}} given
 * @returns {{stop: () => void}}
 */
export function startCamera({ parts, onFrame, onStart, onProblem }) {
  const video = Object.assign(document.createElement("video"), { muted: true, playsInline: true });
  let quarters = 0;
  let stream = null;
  let wanted = 0; // counts starts and stops: a camera that comes when it is not wanted any more is let go

  async function start() {
    const own = ++wanted;
    if (!navigator.mediaDevices) {
      onProblem("This browser offers no camera here: open the page by https or from this machine.");
      return;
    }
    let given = null;
    try {
      const wish = { facingMode: { ideal: "environment" }, width: { ideal: 1280 }, height: { ideal: 960 } };
      given = await navigator.mediaDevices.getUserMedia({ video: wish, audio: false });
      if (own === wanted) await play(given);
    } catch {
      given = release(given);
      if (own === wanted) onProblem("The camera cannot be used: there is none, or this page was not allowed to use it.");
    }
    if (own !== wanted) given = release(given);
    if (!given) return;
    stream = given;
    onStart();
    show(true);
    look(stream);
  }

  async function play(given) {
    video.srcObject = given;
    await video.play();
  }

  function release(one) {
    one?.getTracks().forEach((track) => track.stop());
    return null;
  }

  function stop() {
    wanted++;
    stream = release(stream);
    video.srcObject = null;
    show(false);
  }

  function show(on) {
    parts.toggle.setAttribute("aria-pressed", String(on));
    parts.toggle.textContent = on ? "Stop the camera" : "Camera";
    parts.controls.hidden = !on;
    press(parts.hold, false);
  }

  /** Whether a film's edges frame the picture; by hand it is framed only where they do not. */
  function tellOf(find, found) {
    const words = found ? "Film's edges found" : "No edges found: the middle is used";
    if (parts.edges.textContent !== (find ? words : "")) parts.edges.textContent = find ? words : "";
    for (const part of [parts.closer, parts.turn]) part.disabled = found;
  }

  /** One picture after the other, as fast as they are answered. */
  async function look(own) {
    const times = [];
    const frame = framing();
    while (stream === own) {
      if (pressed(parts.hold)) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        times.length = 0;
        parts.rate.textContent = "";
        continue;
      }
      const find = pressed(parts.find);
      const given = { find, closer: Number(parts.closer.value), degrees: Number(parts.turn.value), quarters };
      const { bitmap, found } = frame(video, given);
      tellOf(find, found);
      await onFrame(bitmap);
      times.push(performance.now());
      while (times[0] < times.at(-1) - WINDOW_MS) times.shift();
      const rate = times.length > 1 ? ((times.length - 1) * 1000) / (times.at(-1) - times[0]) : 0;
      parts.rate.textContent = rate ? `${rate.toFixed(1)} pictures a second` : "";
      parts.rate.dataset.rate = rate;
      await new Promise((resolve) => requestAnimationFrame(resolve));
    }
  }

  parts.toggle.addEventListener("click", () => {
    if (stream) return stop();
    parts.toggle.disabled = true; // asked for twice, a browser asks its user twice
    start().finally(() => (parts.toggle.disabled = false));
  });
  parts.quarter.addEventListener("click", () => (quarters = (quarters + 1) % 4));
  for (const part of [parts.hold, parts.find]) part.addEventListener("click", () => press(part, !pressed(part)));
  return { stop };
}

const pressed = (button) => button.getAttribute("aria-pressed") === "true";
const press = (button, on) => button.setAttribute("aria-pressed", String(on));
