#!/usr/bin/env python3
"""Checks JUnit reports as a CI system would read them.

Each file must satisfy the schema of the Jenkins xunit plugin, be readable by
junitparser, and its counts must be those of its cases. Needs the packages of
ci/requirements.txt.
"""

import argparse
import pathlib
import sys

import junitparser
import xmlschema

SCHEMA = pathlib.Path(__file__).parent.parent / "reports/writers/tests/schema/junit-10.xsd"


def suite_problems(suite):
    """What the suite says of its cases and is not true."""
    results = [case.result for case in suite]
    kinds = {
        "failures": junitparser.Failure,
        "errors": junitparser.Error,
    }
    counted = {name: sum(any(isinstance(r, kind) for r in case) for case in results) for name, kind in kinds.items()}
    counted["tests"] = len(results)
    for name, count in counted.items():
        if getattr(suite, name) != count:
            yield f"{name}: {getattr(suite, name)}, expected {count}"
    total = sum(case.time for case in suite)
    if abs(suite.time - total) > 0.0005 * (1 + len(results)):
        yield f"time: {suite.time}, expected {total:.3f}"
    names = [(case.classname, case.name) for case in suite]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"case {name}: more than one"


def problems(path, schema):
    """Everything that is wrong with the file, a line each."""
    try:
        yield from (f"schema: {error.reason} at {error.path}" for error in schema.iter_errors(path))
        suites = junitparser.JUnitXml.fromfile(path)
    except Exception as error:  # whatever a parser throws at a broken file
        yield f"unreadable: {error}"
        return
    if len(suites) == 0:
        yield "no test suite"
    for suite in suites:
        yield from (f"suite {suite.name!r}: {problem}" for problem in suite_problems(suite))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", metavar="FILE", help="a JUnit report")
    parser.add_argument("--schema", default=str(SCHEMA), help="default: %(default)s")
    args = parser.parse_args()
    schema = xmlschema.XMLSchema(args.schema)
    bad = 0
    for path in args.files:
        found = list(problems(path, schema))
        bad += bool(found)
        print(f"{path}: {'ok' if not found else 'BAD'}")
        for problem in found:
            print(f"  {problem}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
