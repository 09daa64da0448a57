#!/bin/bash
# apply.sh PROGRAM FILE PATCH OUT: writes FILE with the deliberate bug of PATCH to OUT.
set -uo pipefail
program="$1" file="$2" patch="$3" out="$4"
rm -f "$out"
if ! said=$("$program" --force --silent --fuzz=3 --reject-file=- --output="$out" "$file" "$patch" 2>&1) ||
  cmp -s "$file" "$out"; then
  rm -f "$out"
  {
    echo "$said"
    echo "The deliberate bug in $patch no longer applies to $file. Put the same bug into the file as"
    echo "it is now and write the patch anew (docs/architecture.md, \"Simulation\")."
    echo "The bug: $(head -n 1 "$patch")"
  } >&2
  exit 1
fi
