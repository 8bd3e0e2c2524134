#!/usr/bin/env python3
"""Opens HTML reports in headless Chromium, as people would, and prints them.

At 1920x1080, on a narrower screen, in a dark colour scheme and on paper: no
script, no message on the console, no request to anywhere, nothing wider than the
screen or its cell, the verdict readable in the first screen. Printed: A4, at least one page. Needs
Chromium and pdfinfo (Debian: chromium, poppler-utils), nothing from PyPI: it
speaks the DevTools protocol over a pipe.
"""

import argparse
import base64
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

FLAGS = [
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-first-run",
    "--no-sandbox",  # a container's root has none; the reports load nothing
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
]
DEADLINE_S = 60
# The width of A4 between the margins, 186 mm at 96 pixels an inch.
PAPER = (703, 1080)

# What a person would notice, asked of the page itself.
LOOK = """(() => {
  const word = document.querySelector("h1"), box = word.getBoundingClientRect(), page = document.documentElement;
  const handlers = [...document.querySelectorAll("*")].flatMap(e => e.getAttributeNames()).filter(a => a.startsWith("on"));
  const ids = [...document.querySelectorAll("[id]")].map(e => e.id);
  const dead = [...document.querySelectorAll("a[href^='#']")].filter(a => !document.getElementById(a.getAttribute("href").slice(1)));
  const style = getComputedStyle(document.body), behind = getComputedStyle(page);
  return {
    verdict: word.innerText.trim(), top: box.top, bottom: box.bottom, size: parseFloat(getComputedStyle(word).fontSize),
    clipped: word.scrollWidth > word.clientWidth + 1 || box.right > word.closest(".big").getBoundingClientRect().right,
    width: page.scrollWidth, screen: page.clientWidth, scripts: document.scripts.length, handlers: handlers.length,
    doubled: ids.length - new Set(ids).size, dead: dead.length, drawings: document.querySelectorAll("svg").length,
    overflowing: [...document.querySelectorAll("td")].filter(c => c.scrollWidth > c.clientWidth + 1).map(c => c.innerText).join(" | "),
    ink: style.color, paper: behind.backgroundColor,
  };
})()"""


class Browser:
    """Chromium at the other end of two pipes; messages end with a zero byte."""

    def __init__(self, program, profile):
        to_read, self.to_write = os.pipe()
        self.from_read, from_write = os.pipe()
        script = f"exec 3<&{to_read} 4>&{from_write}; exec \"$@\""
        command = ["bash", "-c", script, "chromium", program, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
        self.process = subprocess.Popen(command, pass_fds=(to_read, from_write), stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(from_write)
        self.events, self.buffer, self.last = [], b"", 0
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    session = None

    def message(self):
        """The next message; fails when the browser has gone or says nothing."""
        end = time.monotonic() + DEADLINE_S
        while b"\0" not in self.buffer:
            chunk = os.read(self.from_read, 1 << 16)
            if not chunk or time.monotonic() > end:
                raise RuntimeError("Chromium ended or does not answer")
            self.buffer += chunk
        text, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(text)

    def ask(self, method, **params):
        """Asks and waits; events that come meanwhile are kept."""
        self.last += 1
        order = {"id": self.last, "method": method, "params": params}
        if self.session:
            order["sessionId"] = self.session
        os.write(self.to_write, json.dumps(order).encode() + b"\0")
        while True:
            message = self.message()
            if message.get("id") == self.last:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']['message']}")
                return message["result"]
            self.events.append(message)

    def wait_for(self, method):
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self.message())

    def evaluate(self, expression):
        return self.ask("Runtime.evaluate", expression=expression, returnByValue=True)["result"]["value"]

    def screen(self, width, height, scheme="light", media="screen"):
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.ask("Emulation.setEmulatedMedia", media=media, features=[{"name": "prefers-color-scheme", "value": scheme}])

    def close(self):
        for end in (self.to_write, self.from_read):
            os.close(end)
        self.process.kill()
        self.process.wait()


def luminance(colour):
    """Of `rgb(r, g, b)`, as WCAG 2 defines it."""
    parts = [int(x) / 255 for x in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(look):
    light, dark = sorted((luminance(look["ink"]), luminance(look["paper"])), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def look_problems(look, where):
    smallest = 18 if where == "paper" else 30
    if not look["verdict"] or look["top"] < 0 or look["bottom"] > 1080 or look["size"] < smallest or look["clipped"]:
        yield f"{where}: the verdict {look['verdict']!r} is not readable in the first screen"
    if look["width"] > look["screen"]:
        yield f"{where}: {look['width']} pixels wide on a screen of {look['screen']}"
    if contrast(look) < 7:
        yield f"{where}: contrast {contrast(look):.1f}, expected at least 7"
    for what in ("scripts", "handlers", "doubled", "dead", "overflowing"):
        if look[what]:
            yield f"{where}: {look[what]} {what}, expected none"


def event_problems(events, url):
    for event in events:
        method, params = event.get("method"), event.get("params", {})
        if method == "Log.entryAdded":
            yield f"console: {params['entry']['text']}"
        elif method in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled"):
            yield f"console: {method}"
        elif method == "Network.requestWillBeSent":
            asked = params["request"]["url"]
            if asked != url and not asked.startswith("data:"):
                yield f"asked for {asked}"


def pdf_problems(pdf):
    info = subprocess.run(["pdfinfo", pdf], capture_output=True, text=True, check=False)
    fields = dict(line.split(":", 1) for line in info.stdout.splitlines() if ":" in line)
    if info.returncode or int(fields.get("Pages", "0")) < 1:
        yield f"print: pdfinfo: {info.stderr.strip() or 'no page'}"
    elif "A4" not in fields.get("Page size", ""):
        yield f"print: page size {fields.get('Page size', '').strip()}, expected A4"


def check(browser, path, pictures):
    """Everything that is wrong with the file, a line each."""
    url = path.resolve().as_uri()
    browser.events.clear()
    browser.screen(1920, 1080)
    browser.ask("Page.navigate", url=url)
    browser.wait_for("Page.loadEventFired")
    looks = []
    for name, size in (("light", (1920, 1080)), ("dark", (1920, 1080)), ("narrow", (1024, 1080)), ("paper", PAPER)):
        browser.screen(*size, "dark" if name == "dark" else "light", "print" if name == "paper" else "screen")
        looks.append((name, browser.evaluate(LOOK)))
        picture = base64.b64decode(browser.ask("Page.captureScreenshot", format="png")["data"])
        (pictures / f"{path.parent.name}-{path.stem}-{name}.png").write_bytes(picture)
    pdf = pictures / f"{path.parent.name}-{path.stem}.pdf"
    pdf.write_bytes(base64.b64decode(browser.ask("Page.printToPDF", preferCSSPageSize=True, printBackground=True)["data"]))
    for name, look in looks:
        yield from look_problems(look, name)
    yield from event_problems(browser.events, url)
    yield from pdf_problems(pdf)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=pathlib.Path, metavar="FILE", help="a report.html")
    parser.add_argument("--pictures", type=pathlib.Path, metavar="DIR", help="keep screenshots and PDFs here")
    args = parser.parse_args()
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    for name, found in (("chromium", program), ("pdfinfo", shutil.which("pdfinfo"))):
        if not found:
            sys.exit(f"error: no {name} on the PATH\nhint: apt-get install chromium poppler-utils")
    bad = 0
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        pictures = args.pictures or pathlib.Path(folder)
        pictures.mkdir(parents=True, exist_ok=True)
        browser = Browser(program, f"{folder}/profile")
        try:
            for domain in ("Page", "Runtime", "Log", "Network"):
                browser.ask(f"{domain}.enable")
            for path in args.files:
                found = list(check(browser, path, pictures))
                bad += bool(found)
                print(f"{path}: {'ok' if not found else 'BAD'}")
                for problem in found:
                    print(f"  {problem}")
        finally:
            browser.close()
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
