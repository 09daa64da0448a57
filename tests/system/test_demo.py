"""The demo tells the whole story and judges it; each part broken makes it say no."""

import concurrent.futures
import re

import driftwarden
import pytest

# What of the story each break takes away, as the judge words it.
BREAKS = {
    "no_receiver": "a warning reached the receiver",
    "ignore_revoke": "contained",
    "lose_disable": "disabled in Entra",
}


def _demo(*arguments):
    return driftwarden.run_command("demo", "--exit-when-settled", *arguments, timeout=240)


@pytest.fixture(scope="module")
def runs():
    """The whole story and every broken one, side by side."""
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        whole = pool.submit(_demo)  # as anybody starts it, a few thousand people in about a minute
        broken = {part: pool.submit(_demo, "--users", 300, "--speed", 2, "--break", part)
                  for part in BREAKS}
        return whole.result(), {part: run.result() for part, run in broken.items()}


def test_the_story_is_told_and_settles(runs):
    whole, _ = runs
    assert whole.returncode == 0, whole.stdout + whole.stderr
    assert "all of it happened" in whole.stdout
    assert "✗" not in whole.stdout
    assert re.search(r"^metrics: http://127\.0\.0\.1:\d+/metrics$", whole.stdout, re.MULTILINE)
    table = whole.stdout[whole.stdout.index("USER "):]
    assert len(re.findall(r"^u\d{7}  ordinary +converged", table, re.MULTILINE)) == 10
    assert re.search(r"^u\d{7}  skipped by the sync +converged", table, re.MULTILINE)
    assert re.search(r"^u\d{7}  tier not acted on +breached +still live +-$", table, re.MULTILINE)


@pytest.mark.parametrize("part", BREAKS)
def test_a_broken_part_is_seen(runs, part):
    run = runs[1][part]
    assert run.returncode == 1, run.stdout + run.stderr
    missing = run.stdout[run.stdout.index("of the story did not happen"):]
    assert BREAKS[part] in missing
