#!/usr/bin/env bash
# run.sh DIR: fuzzes with each harness in DIR (t/fuzz/build.sh) in turn, and
# ends in a table. Not 0 if anything was found; what was found is in
# build/fuzz/new, and goes to t/fuzz/found/WHAT with a name once it is mended.
#
#   FUZZ_SECONDS=60    for each harness        FUZZ="json uri"  these alone
#   FUZZ_RUNS=n        as many inputs instead, from a seed that is always the
#                      same, nothing kept: for tests
#
# The corpus grows in build/fuzz/corpus from run to run, and is made small again
# each time.

set -eu

cd "$(dirname "$0")/../.."

bin=$1
seconds=${FUZZ_SECONDS:-60}
corpus=build/fuzz/corpus
new=build/fuzz/new
rc=0

[ -n "${FUZZ_RUNS:-}" ] && corpus=$(mktemp -d) && trap 'rm -rf "$corpus"' EXIT

export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1
export UBSAN_OPTIONS=print_stacktrace=1

printf '%-10s %10s %8s %7s %6s %9s  %s\n' \
    harness execs exec/s corpus edges features found

for prog in "$bin"/fuzz_*; do
    what=${prog##*/fuzz_}

    [ -x "$prog" ] || continue
    case " ${FUZZ:-$what} " in *" $what "*) ;; *) continue ;; esac

    mkdir -p "$corpus/$what" "$new/$what"

    # big inputs are for what keeps the first 16 KiB of an answer
    max=4096
    [ "$what" != answer ] || max=20000

    set -- -max_len=$max -timeout=10 -rss_limit_mb=1024 -verbosity=1 \
           -print_final_stats=1 -artifact_prefix="$new/$what/"

    [ ! -e "t/fuzz/$what.dict" ] || set -- "$@" "-dict=t/fuzz/$what.dict"

    inputs=("t/fuzz/seeds/$what")
    [ ! -d "t/fuzz/found/$what" ] || inputs+=("t/fuzz/found/$what")

    if [ -n "${FUZZ_RUNS:-}" ]; then
        set -- "$@" -seed=1 "-runs=$FUZZ_RUNS"
    else
        set -- "$@" "-max_total_time=$seconds"
    fi

    log=$new/$what.log
    found=0

    "$prog" "$@" "$corpus/$what" "${inputs[@]}" > "$log" 2>&1 || found=1

    if [ -z "${FUZZ_RUNS:-}" ] && [ $found = 0 ]; then
        rm -rf "$corpus/$what.min"
        mkdir "$corpus/$what.min"
        "$prog" -merge=1 -max_len=$max "$corpus/$what.min" "$corpus/$what" \
            "${inputs[@]}" > "$log.merge" 2>&1 \
        && rm -rf "${corpus:?}/$what" \
        && mv "$corpus/$what.min" "$corpus/$what"
    fi

    execs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    rate=$(sed -n 's/^stat::average_exec_per_sec: *//p' "$log")
    edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
    features=$(sed -n 's/.* ft: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)

    printf '%-10s %10s %8s %7s %6s %9s  %s\n' "$what" "${execs:--}" \
        "${rate:--}" "$(ls "$corpus/$what" | wc -l)" "${edges:--}" \
        "${features:--}" "$found"

    if [ $found != 0 ]; then
        rc=1
        grep -aE 'does not hold|ERROR: |runtime error|Test unit' "$log" \
            | sed 's/^/    /'
    fi
done

exit $rc
