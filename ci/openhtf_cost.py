"""Cost of one more step: OpenHTF against `hil`, whole processes, in one run.

Both test one unit with N steps of one judged measurement and write their record:
JSON there, the journal here. `hil run` also writes HTML, JUnit, CSV and Markdown;
what `hil report` takes to write those again is taken off, and told. The figure is
the slope of CPU time between few and many steps, which leaves out start and end;
the median of rounds in which all take turns, so that a noisy machine hits them
alike.

A whole good unit of the end-of-line plan, with its reports, takes its turn, too,
and is told in steps of OpenHTF: 0.1 s are 109 of them on a machine where such a
step costs 921 µs, and should be on any other.

usage: openhtf_cost.py HIL [--rounds N] [--at-most RATIO] [--unit-at-most STEPS]
"""

import argparse
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile

FEW, MANY = 200, 1000

OPENHTF = """
import sys
import openhtf as htf
from openhtf.output.callbacks import json_factory

@htf.measures(htf.Measurement("voltage").in_range(0.0, 60.0))
def phase(test):
    test.measurements.voltage = 12.8

test = htf.Test(*[phase.with_args() for _ in range(int(sys.argv[1]))])
test.add_output_callbacks(json_factory.OutputToJSON(sys.argv[2] + "/record.json"))
sys.exit(0 if test.execute(test_start=lambda: "unit") else 1)
"""

PLAN = """
[plan]
id = "cost"
title = "Cost of a step"
product = "smart-bms-12-200"

[setup]
do = [ {{ set = {{ "battery.voltage" = "12.8 V", "battery.source-limit" = "10 A", "battery.output" = "on" }} }} ]
{steps}
"""
STEP = '[[step]]\nid = "s{i}"\ndo = [ {{ measure = "battery.voltage", min = "0 V", max = "60 V" }} ]\n'


def cpu_seconds(command, **kwargs):
    """CPU seconds, user and system, of a command that must succeed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **kwargs)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def slope(run, scratch):
    """Microseconds of CPU for each further step."""
    few, many = (run(steps, tempfile.mkdtemp(dir=scratch)) for steps in (FEW, MANY))
    return (many - few) / (MANY - FEW) * 1e6


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("hil")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--at-most", type=float, help="exit code 1 above this ratio")
    arguments.add_argument("--unit-at-most", type=float, help="exit code 1 if a good unit costs more of OpenHTF's steps")
    args = arguments.parse_args()
    plans = pathlib.Path("test-plans")
    with tempfile.TemporaryDirectory() as scratch, tempfile.TemporaryDirectory(dir=plans, prefix=".cost-") as beside:
        script = pathlib.Path(scratch, "phases.py")
        script.write_text(OPENHTF)
        for steps in (FEW, MANY):
            text = PLAN.format(steps="".join(STEP.format(i=i) for i in range(steps)))
            pathlib.Path(beside, f"{steps}.toml").write_text(text)

        def openhtf(steps, out):
            return cpu_seconds([sys.executable, script, str(steps), out])

        def hil(steps, out):
            return cpu_seconds([args.hil, "run", f"{beside}/{steps}.toml", "--serial", "HQ2247ABCDE", "--out", out])

        def reports(steps, out):
            hil(steps, out)
            return cpu_seconds([args.hil, "report", *map(str, pathlib.Path(out).iterdir())])

        def unit():
            out = tempfile.mkdtemp(dir=scratch)
            return 1e6 * cpu_seconds([args.hil, "run", "test-plans/eol.toml", "--serial", "HQ2247ABCDE", "--out", out])

        rounds = [[*(slope(run, scratch) for run in (openhtf, hil, reports)), unit()] for _ in range(args.rounds)]
    theirs, whole, extra, good_unit = (statistics.median(column) for column in zip(*rounds))
    ours = whole - extra
    print(
        f"OpenHTF {theirs:.0f} µs, hil {ours:.0f} µs of CPU time a step, ratio {ours / theirs:.3f};"
        f" with four reports {whole:.0f} µs, ratio {whole / theirs:.3f} ({args.rounds} rounds, {os.cpu_count()} cores)"
    )
    steps = good_unit / theirs
    print(f"a good unit of test-plans/eol.toml: {good_unit / 1e3:.0f} ms of CPU time, as much as {steps:.0f} steps of OpenHTF")
    if args.unit_at_most is not None and not 0 < steps <= args.unit_at_most:
        sys.exit(f"error: a good unit costs {steps:.0f} steps of OpenHTF, expected at most {args.unit_at_most:.0f}")
    if args.at_most is not None and not 0 < ours / theirs <= args.at_most:
        sys.exit(f"error: the ratio is {ours / theirs:.3f}, expected at most {args.at_most}")


if __name__ == "__main__":
    main()
