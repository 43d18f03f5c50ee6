"""An exported app on a plain static server, and pictures for its camera."""

import functools
import threading
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

from cxrkd.export import browser
from cxrkd.export.targets import web
from cxrkd.runs import open_run

READY = "body[data-state*=offline]"


def exported(folder, run="nih", member="distilled"):
    """The app of a run's network in a folder."""
    run = open_run(run)
    web.write(run.load_model(member), folder)
    browser.write_run(run, member, folder)
    return folder


def phone(browser, **how):
    """A window of a phone's size."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, device_scale_factor=2, **how)
    context.set_default_timeout(120_000)
    return context


class Site:
    """Where it is, what was asked of it, and an end to it.

    Args:
        folder: what is served.
        kept_s: seconds for which browsers may keep files without asking.
    """

    def __init__(self, folder, kept_s=0):
        self.asked = asked = []

        class Handler(SimpleHTTPRequestHandler):
            def log_message(self, *_):
                asked.append(self.path)

            def end_headers(self):
                if kept_s:
                    self.send_header("Cache-Control", f"max-age={kept_s}")
                super().end_headers()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=folder))
        self.address = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def serving_folder(folder, kept_s=0):
    site = Site(folder, kept_s)
    try:
        yield site
    finally:
        site.stop()


def write_video(path, tones, frames=4):
    """A film uint8 (480, 480) in the middle of a dark picture of 640 x 480, as Chromium's fake camera plays it."""
    frame = np.full((480, 640), 20, np.uint8)
    frame[:, 80:560] = tones
    return write_frames(path, frame, frames)


def write_frames(path, frame, frames=4):
    """A picture uint8 (H, W) again and again."""
    height, width = frame.shape
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{width} H{height} F30:1 Ip A1:1 C420jpeg\n".encode())
        for _ in range(frames):
            file.write(b"FRAME\n" + frame.tobytes() + bytes([128]) * (height * width // 2))
    return path


def camera_flags(video):
    return [
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={video}",
    ]
