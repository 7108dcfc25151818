"""A headless Chromium that is driven through its pipe; needs nothing but the browser."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
# Root has no sandbox in a container; pictures are drawn without a graphics card.
OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--no-first-run",
    "--disable-extensions",
    "--disable-background-networking",
    "--window-size=1000,800",
    "--remote-debugging-pipe",
)


def found():
    """The path of a browser; None if there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One page of a browser with a profile of its own; a context manager.

    ``requests``: the addresses that the page and its frames asked for; ``complaints``: what was
    logged as an error; ``contexts``: of the scripts of the page and of each frame.
    """

    def __init__(self, *options):
        down, up = os.pipe(), os.pipe()

        def as_3_and_4():
            # Above all that is in use: one of the four may have number 3 or 4 itself.
            read, write = os.dup(down[0]), os.dup(up[1])
            os.dup2(read, 3)
            os.dup2(write, 4)

        # Its sockets lie in there, whose paths may only be short.
        self._folder = tempfile.TemporaryDirectory(
            prefix="effigy-tests-", ignore_cleanup_errors=True
        )
        folder = self._folder.name
        command = [found(), *OPTIONS, *options, f"--user-data-dir={folder}", "about:blank"]
        self._process = subprocess.Popen(
            command,
            close_fds=False,
            preexec_fn=as_3_and_4,
            env={**os.environ, "TMPDIR": folder},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(down[0])
        os.close(up[1])
        self._out, self._in = os.fdopen(down[1], "wb"), os.fdopen(up[0], "rb")
        self._number, self._session, self._rest = 0, None, b""
        self.requests, self.complaints, self.contexts = [], [], []

    def __enter__(self):
        pages = self._ask("Target.getTargets")["targetInfos"]
        target = next(each["targetId"] for each in pages if each["type"] == "page")
        about = self._ask("Target.attachToTarget", targetId=target, flatten=True)
        self._session = about["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self._ask(f"{domain}.enable")
        return self

    def __exit__(self, *about):
        self._process.kill()
        self._process.wait()
        self._out.close()
        self._in.close()
        self._folder.cleanup()

    def _ask(self, method, **params):
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        self._out.write(json.dumps(message).encode() + b"\0")
        self._out.flush()
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]
            self._note(answer.get("method"), answer.get("params", {}))

    def _next(self):
        while b"\0" not in self._rest:
            more = os.read(self._in.fileno(), 1 << 16)
            assert more, "The browser ended"
            self._rest += more
        first, self._rest = self._rest.split(b"\0", 1)
        return json.loads(first)

    def _note(self, method, about):
        if method == "Network.requestWillBeSent":
            self.requests.append(about["request"]["url"])
        elif method == "Log.entryAdded" and about["entry"]["level"] == "error":
            self.complaints.append(about["entry"]["text"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(str(about["exceptionDetails"]))
        elif method == "Runtime.executionContextCreated":
            self.contexts.append(about["context"]["uniqueId"])
        elif method == "Runtime.executionContextDestroyed":
            self.contexts.remove(about["executionContextUniqueId"])
        elif method == "Runtime.executionContextsCleared":
            self.contexts.clear()

    def open(self, address):
        """Go to a page."""
        self._ask("Page.navigate", url=address)

    def frame(self, known=()):
        """What to name in :meth:`run` the frame that is not among ``known``, once it is there."""
        end = time.monotonic() + 60
        while not (new := set(self.contexts) - set(known)):
            assert time.monotonic() < end, "No frame comes"
            self.run("1")
            time.sleep(0.1)
        return new.pop()

    def run(self, code, frame=None):
        """The value of an expression in the page, or in a frame of it."""
        how = {"returnByValue": True, "awaitPromise": True}
        if frame is not None:
            how["uniqueContextId"] = frame
        answer = self._ask("Runtime.evaluate", expression=code, **how)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait(self, code, frame=None, seconds=120):
        """Wait until an expression is true."""
        end = time.monotonic() + seconds
        while not self.run(code, frame):
            assert time.monotonic() < end, f"{code} does not come true; {self.complaints}"
            time.sleep(0.1)

    def drag(self, start, end):
        """Press the mouse at a point of the page, move it to another and let it go."""
        for kind, (x, y) in zip(("Pressed", "Moved", "Released"), (start, end, end), strict=True):
            how = {"button": "left", "buttons": 0 if kind == "Released" else 1, "clickCount": 1}
            self._ask("Input.dispatchMouseEvent", type=f"mouse{kind}", x=x, y=y, **how)

    def picture(self):
        """The page as PNG."""
        return base64.b64decode(self._ask("Page.captureScreenshot")["data"])
