#!/usr/bin/python3
"""Sums the JUnit files that ctest and pytest wrote into "N passed, M failed".

Skipped tests are named but count as neither. Exits 1 when anything failed or nothing ran.
"""

import argparse
import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def outcome(case):
    """'passed', 'skipped' or 'failed' for one <testcase> of ctest or pytest."""
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    skipped = case.find("skipped")
    status = case.get("status")  # ctest only: run, fail, notrun, disabled
    if status == "fail":
        return "failed"
    if status == "notrun":
        # GTEST_SKIP ends here, and so does a test whose program could not be run.
        message = skipped.get("message", "") if skipped is not None else ""
        return "skipped" if message.startswith("SKIP_") else "failed"
    if status == "disabled" or skipped is not None:
        return "skipped"
    return "passed"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--failed-stages", type=int, default=0)
    parser.add_argument("results", type=pathlib.Path)
    arguments = parser.parse_args()

    counts = {"passed": 0, "skipped": 0, "failed": 0}
    for path in sorted(arguments.results.glob("*.xml")):
        for case in ElementTree.parse(path).getroot().iter("testcase"):
            result = outcome(case)
            counts[result] += 1
            if result != "passed":
                print(f"{result}: {path.stem}: {case.get('classname')} {case.get('name')}")
    if arguments.failed_stages and not counts["failed"]:
        counts["failed"] = arguments.failed_stages  # it broke outside of any test
    if not counts["passed"] and not counts["failed"]:
        print("no test was selected")
    if counts["skipped"]:
        print(f"{counts['skipped']} skipped")
    print(f"{counts['passed']} passed, {counts['failed']} failed")
    return 0 if counts["passed"] and not counts["failed"] else 1


if __name__ == "__main__":
    sys.exit(main())
