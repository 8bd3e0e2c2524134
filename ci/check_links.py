"""Runs the end-of-line plan on served benches over every link, for a good unit and
three defects, and compares each step's verdict with that of the run in memory.

usage: check_links.py HIL [LINK ...]        all links without one; a quarter of an hour on an
                                            idle computer, an hour at worst
                                            (`chrt -r 5 python3 …` on one that does other things)
       check_links.py HIL --lane            some steps with a good unit and one defect over four
                                            links, slowly: what CI runs, two minutes, or six on a
                                            computer that does other things

A run that says the tester was held up is repeated on a slower bench: a hold-up of
10 ms is one of 100 ms on a bench that is ten times as fast.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LINKS = ["socket", "hislip", "vxi11", "serial", "vxi11-gateway", "prologix"]
DEFECTS = [None, "D01", "D38", "D46"]
SPEEDS = ["10", "5", "5", "2", "2", "1", "1"]
# The lane's, for a computer that does other things too: at real time it may be held up for
# 100 ms.
LANE_LINKS = ["socket", "hislip", "vxi11", "serial"]
LANE_DEFECTS = [None, "D67"]
LANE_SPEEDS = ["1", "0.5", "0.5", "0.2"]
LANE_STEPS = ["outputs-at-rest", "remote-everything-function", "system-both-ways", "cable-joints"]
PLAN = ["run", "test-plans/eol.toml", "--serial", "HQ2247ABCDE"]


def arguments(defect):
    return ["--defect", defect] if defect else []


# Steps that are run instead of the whole plan.
only = []


def run(hil, folder, more):
    """The exit code, the last verdict of each step, and what was said."""
    more = [*more, *(word for step in only for word in ("--step", step))]
    ended = subprocess.run([hil, *PLAN, "--out", str(folder), *more], capture_output=True, text=True)
    journals = list(folder.glob("*/journal.jsonl"))
    if len(journals) != 1:
        raise SystemExit(f"error: no journal: exit code {ended.returncode}\n{ended.stdout}{ended.stderr}")
    events = map(json.loads, journals[0].read_text().splitlines())
    verdicts = {e["step"]: e["verdict"] for e in events if e["kind"] == "step-finished"}
    return ended.returncode, verdicts, ended.stdout + ended.stderr


def run_served(hil, link, defect, speed):
    """As `run`, on a bench in another process."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = [hil, "virtual", "serve", "virtual", "--link", link, "--speed", speed, "--socket", str(folder / "b.sock")]
        server = subprocess.Popen(command + arguments(defect), stdout=subprocess.PIPE, text=True)
        try:
            for line in server.stdout:
                if line == "READY\n":
                    break
            return run(hil, folder / "runs", ["--bench", str(folder / "b.toml")])
        finally:
            server.terminate()
            server.wait(timeout=20)


def check(hil, link, defect, expected, speeds):
    for speed in speeds:
        begun = time.monotonic()
        code, verdicts, said = run_served(hil, link, defect, speed)
        took = time.monotonic() - begun
        name = f"{link}, {defect or 'good unit'}, {speed} times real time, {took:.0f} s"
        if "the tester was held up" in said:
            print(f"{name}: held up, again", flush=True)
            continue
        if (code, verdicts) != expected:
            differing = {s: (v, expected[1].get(s)) for s, v in verdicts.items() if v != expected[1].get(s)}
            missing = sorted(expected[1].keys() - verdicts.keys())
            raise SystemExit(
                f"error: {name}: exit code {code}, in memory {expected[0]}; "
                f"verdicts here and in memory {differing}; missing {missing}\n{said}"
            )
        print(f"{name}: exit code {code}, {len(verdicts)} steps as in memory", flush=True)
        return
    raise SystemExit(f"error: {link}, {defect}: this computer is too busy")


def in_memory(hil, defects):
    expected = {}
    for defect in defects:
        with tempfile.TemporaryDirectory() as folder:
            code, verdicts, said = run(hil, Path(folder), arguments(defect))
        # A unit that went through some steps only is not passed.
        if code != (1 if defect else 5 if only else 0):
            raise SystemExit(f"error: in memory, {defect}: exit code {code}\n{said}")
        expected[defect] = code, verdicts
    return expected


def check_link(hil, link, expected, speeds):
    for defect in expected:
        check(hil, link, defect, expected[defect], speeds)


def main(hil, *links):
    if links == ("--lane",):
        only.extend(LANE_STEPS)
        expected = in_memory(hil, LANE_DEFECTS)
        for link in LANE_LINKS:
            check_link(hil, link, expected, LANE_SPEEDS)
        return
    unknown = [link for link in links if link not in LINKS]
    if unknown:
        raise SystemExit(f"error: {', '.join(unknown)}: expected some of {', '.join(LINKS)}")
    expected = in_memory(hil, DEFECTS)
    for link in links or LINKS:
        check_link(hil, link, expected, SPEEDS)


main(*sys.argv[1:])
