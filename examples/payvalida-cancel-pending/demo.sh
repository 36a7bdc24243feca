#!/bin/sh
# The main job on the embedded simulator: plan, apply, and a look inside.
# make demo runs it with the folder of the built programs.
set -eu
bin=$1
cd "$(dirname "$0")"

say() { printf '\n$ %s\n\n' "$*"; }

say runner rehearse cancel.ops.hcl
"$bin/runner" rehearse cancel.ops.hcl

record=$(ls .runner/rehearsals/*.run | tail -n 1)
say runner show "$record" --group-by reason
"$bin/runner" show "$record" --group-by reason

say runner show "$record" --items --state skipped '|' head -n 3
"$bin/runner" show "$record" --items --state skipped >"$record.txt"
head -n 3 "$record.txt"

key=$(sed -n 's/^\([^ ]*\) .*/\1/p' "$record.txt" | head -n 1)
rm "$record.txt"
say runner show "$record" --key "$key"
"$bin/runner" show "$record" --key "$key"

printf '\nThe record is an SQLite database; docs/run-file.md documents it:\n\n'
printf '    sqlite3 examples/%s/%s "select state, count(*) from items group by state"\n\n' "${PWD##*/}" "$record"
