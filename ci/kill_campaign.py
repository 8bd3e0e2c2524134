#!/usr/bin/env python3
"""Kills a run at each of its events, again and again, and looks from outside
whether the bench is off.

For each kind of connection a served bench, and on it the plan
test-plans/nightly/every-action.toml with one run for each of its events: that run
dies by SIGKILL as soon as that event is journalled and shown. After it:
- all outputs are off by the twin's own account, and the guardian has confirmed it
  by readback: both times are taken from when the run had died;
- the journal has that event, and everything that was on the screen;
- nothing is marked as broken, and the next run opens the bench without a word of
  the last.

usage: kill_campaign.py HIL [--every N] [--only KIND]… [--speed FACTOR]
Exit code 0 if all of it held for every kill.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PLAN = ROOT / "test-plans/nightly/every-action.toml"
CHAMBER = ROOT / "fixtures/extension/examples-external/chamber.py"
MEDIAN, WORST = 0.200, 1.0  # s after the kill
PATIENCE = 40.0  # s, for what never comes
TRIES = 20

EXTENSION = f"""
[[extension]]
name = "chamber"
program = ["python3", "{CHAMBER}"]
expect = {{ model = "Chamber-180", serial = "C-0001" }}
""" + "".join(
    f'[[signal]]\nname = "chamber.{s}"\nextension = {{ program = "chamber", signal = "{s}" }}\n'
    for s in ("power", "setpoint", "state", "temperature")
)


class Broken(Exception):
    """A promise that was not kept."""


class Bench:
    """A served bench of one kind, with its own folder for locks and runs."""

    def __init__(self, hil, kind, speed, folder):
        self.hil, self.folder, self.kind = hil, folder, kind
        self.env = dict(os.environ, XDG_STATE_HOME=str(folder / "state"), XDG_DATA_HOME=str(folder / "data"), NO_COLOR="1")
        self.socket, self.file = str(folder / "b.sock"), folder / "b.toml"
        serve = [hil, "virtual", "serve", KINDS[kind][0], "--speed", str(speed), "--socket", self.socket, *KINDS[kind][1]]
        self.server = subprocess.Popen(serve, cwd=ROOT, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for line in self.server.stdout:
            if line.strip() == "READY":
                break
        else:
            raise Broken(f"the server did not begin: {self.server.stderr.read()}")
        self.file.write_text(self.file.read_text() + EXTENSION)

    def end(self):
        self.server.terminate()
        self.server.wait(10)

    def run(self, run, sabotage):
        command = [self.hil, "run", str(PLAN), "--bench", str(self.file), "--out", str(self.folder), "--run-id", run]
        # With -v every event is shown, and so acknowledged.
        command += ["-v", "--answer", "label=yes", "--sabotage", sabotage]
        with open(self.folder / "stdout", "wb") as out, open(self.folder / "stderr", "wb") as err:
            process = subprocess.Popen(command, cwd=ROOT, env=self.env, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
            code = process.wait()
        return code, time.monotonic()

    def on(self):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(5)
            s.connect(self.socket)
            s.sendall(b'{"id":0,"do":"state"}\n')
            answer = b""
            while not answer.endswith(b"\n"):
                answer += s.recv(65536)
        studs = json.loads(answer)["answer"]["answer"]["state"]["studs"]
        return [stud["name"] for stud in studs if stud["on"]]


# By kind: the bench, and how it is served.
KINDS = {
    "tcp": ("virtual", ["--second-client", "served"]),
    "pty": ("virtual", ["--link", "serial"]),
    "hislip": ("virtual", ["--link", "hislip"]),
    "one-client-queued": ("virtual", ["--second-client", "queued"]),
    "one-client-refused": ("virtual", ["--second-client", "refused"]),
}


def wait_for(what, condition):
    begun = time.monotonic()
    while not condition():
        if time.monotonic() - begun > PATIENCE:
            raise Broken(f"never {what}")
        time.sleep(0.001)
    return time.monotonic()


def deeds(folder):
    try:
        lines = (folder / "guardian.jsonl").read_text().splitlines(keepends=True)
    except FileNotFoundError:
        return []
    return [json.loads(line)["deed"] for line in lines if line.endswith("\n")]


def confirmed(folder):
    return any(deed.get("safe-state", {}).get("confirmed") for deed in deeds(folder) if isinstance(deed, dict))


def journal(folder):
    events = []
    for line in (folder / "journal.jsonl").read_bytes().split(b"\n"):
        try:
            events.append(json.loads(line))
        except ValueError:
            break
    return events


def check_screen(text, events):
    """Every step that was shown with its verdict is in the journal."""
    finished = sum(e["kind"] == "step-finished" for e in events)
    shown = len(re.findall(r"^\[\d+/\d+\].* (PASS|FAIL|ERROR|pass|fail|error|ok)\b", text, re.M))
    if shown > finished:
        raise Broken(f"{shown} steps shown, {finished} in the journal")


def kill(bench, seq):
    """Kills a run at that event. Both times, or None if a whole run has no such event."""
    for attempt in range(TRIES):
        run = f"kill-{seq}-{attempt}"
        code, died = bench.run(run, f"kill@{seq}")
        # A computer that was too busy ends a run before its event.
        if code != 3 or b"the tester was held up" not in (bench.folder / run / "journal.jsonl").read_bytes():
            return look(bench, seq, run, code, died)
    raise Broken(f"this computer is too busy: {TRIES} runs were held up")


def look(bench, seq, run, code, died):
    folder = bench.folder / run
    complaint = (bench.folder / "stderr").read_text(errors="replace")
    if "safe state first" in complaint or "is broken" in complaint:
        raise Broken(f"the last run left the bench: {complaint}")
    if code >= 0:
        events = journal(folder)
        if code == 0 and events[-1]["kind"] == "run-finished" and events[-1]["seq"] < seq:
            return None
        screen = (bench.folder / "stdout").read_text(errors="replace")
        raise Broken(f"exit code {code}, not killed: {complaint}\n{screen[-2000:]}")
    off = wait_for("off", lambda: not bench.on()) - died
    safe = wait_for("confirmed", lambda: confirmed(folder)) - died
    if bench.on():
        raise Broken("on again")
    events = journal(folder)
    if not events or events[-1]["seq"] < seq:
        raise Broken(f"event {seq} is not in the journal")
    check_screen((bench.folder / "stdout").read_text(errors="replace"), events)
    for name in ("broken.json",):
        if list((bench.folder / "state").rglob(name)):
            raise Broken(f"{name} is there")
    return off, safe


def campaign(bench, every):
    times, seq = [], 0
    while True:
        try:
            taken = kill(bench, seq)
        except Broken as why:
            raise Broken(f"{bench.kind}, event {seq}: {why}\nhint: see {bench.folder}") from why
        if taken is None:
            return times
        times.append(taken)
        if sys.stdout.isatty():
            print(f"\r{bench.kind}: {len(times)} kills", end="", flush=True)
        seq += every


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("hil")
    parser.add_argument("--every", type=int, default=1, help="kill at every Nth event only")
    parser.add_argument("--only", action="append", choices=sorted(KINDS), help="this kind of connection only")
    parser.add_argument("--speed", type=float, default=10.0)
    arguments = parser.parse_args()
    hil, total, good = str(pathlib.Path(arguments.hil).resolve()), 0, True
    for kind in arguments.only or KINDS:
        # Left behind when a promise was broken: all that there is to look at.
        folder = pathlib.Path(tempfile.mkdtemp(prefix="hil-kills-"))
        bench = Bench(hil, kind, arguments.speed, folder)
        try:
            times = campaign(bench, arguments.every)
        finally:
            bench.end()
        shutil.rmtree(folder)
        total += len(times)
        off, safe = ([t[i] for t in times] for i in (0, 1))
        median, worst = statistics.median(safe), max(safe)
        print(
            f"\r{kind}: {len(times)} kills; off after {1e3 * statistics.median(off):.0f} ms (median), {1e3 * max(off):.0f} ms (worst); "
            f"confirmed by readback after {1e3 * median:.0f} ms, {1e3 * worst:.0f} ms"
        )
        good &= median < MEDIAN and worst < WORST
    print(f"{total} kills in all; promised: median under {1e3 * MEDIAN:.0f} ms, worst under {1e3 * WORST:.0f} ms: {'kept' if good else 'NOT KEPT'}")
    return 0 if good else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Broken as why:
        print(f"error: {why}", file=sys.stderr)
        sys.exit(1)
