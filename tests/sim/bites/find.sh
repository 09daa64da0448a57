#!/bin/bash
# find.sh PROGRAM PATCH: runs the simulation of a build with a deliberate bug in it. Good when one of the checkers finds it
# within the suite's own budget of seeds, and tells what it found; a crash, a time-out or a clean run is a failure.
set -uo pipefail
program="$1" patch="$2"
unset DRIFTWARDEN_SIM_SEED
for part in '8:FeedScenario.*' '250:Scenario/ShortScenario.EverySeedEndsRight/0' '20:LongScenario.*'; do
  filter=${part#*:}
  out=$(DRIFTWARDEN_SIM_SEEDS=${part%%:*} "$program" --gtest_brief=1 --gtest_filter="$filter" 2>&1)
  status=$?
  if [ "$status" -eq 1 ] && grep -q 'Failure$' <<<"$out"; then
    echo "found by $filter: $(grep -o -m 1 'DRIFTWARDEN_SIM_SEED=.*' <<<"$out")"
    grep -v '^$' <<<"$out" | grep -A 3 -m 1 'Failure$'
    exit 0
  fi
  if [ "$status" -ne 0 ]; then
    printf '%s\n' "$out" | tail -n 20
    echo "not found by a checker: the program ended with $status"
    exit 1
  fi
done
echo "nothing found this bug: $(head -n 1 "$patch")"
exit 1
