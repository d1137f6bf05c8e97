#!/usr/bin/env bash
# test.sh test|unit|blocks|check|hup|san|palloc|valgrind|static
#
# Builds what these tests need, and ends in one run of prove. The modes that a
# test of nginx can run in, each a small file in build/modes that is handed to
# prove:
#
#   plain      this machine's nginx, started for each block
#   hup        reloaded from block to block
#   san        with the module built for, and nginx run under, the address and
#              undefined behaviour sanitizers
#   palloc     an nginx built from source with the module inside, for both
#              sanitizers, and each pool allocation by malloc: finds more than
#              san, and takes its place in "test" where there is a source
#   valgrind   only when asked for
#   static     an nginx built from source with the module inside, as "make
#              static" gives it; only when asked for, what plain runs
#
# A file that cannot run in all of them says so: "# modes: plain san". One that
# says "# stores: sqlite pgsql" runs a second time with PostgreSQL for its store,
# as pgsql/..., in the mode plain; with "pgsql-palloc" among them in that mode
# as well. "# stores: pgsql": with PostgreSQL alone.
#
#   T="..."    only these files        JOBS=4     files at once
#   PARTS="check unit"    of "test", these parts
#   WITHOUT="75-browser 00-check/010-lint"   not these rooms and tests
#   TEST_NGINX_USE_HUP=1 with "test" or "blocks": the mode hup alone

set -eu

goal=$1
top=$(cd "$(dirname "$0")/../.." && pwd -P)
cd "$top"

export JAMHOOK_TOP=$top
modes=build/modes
jobs=${JOBS:-$(($(nproc) * 2))}    # they wait more than they work

unset WERROR JAMHOOK_UNDER JAMHOOK_MODULE JAMHOOK_TEST_STORE
[ -z "${TEST_NGINX_USE_HUP:-}" ] || [ "$goal" != test ] || goal=hup
[ -z "${TEST_NGINX_USE_HUP:-}" ] || [ "$goal" != blocks ] || goal=hup
unset TEST_NGINX_USE_HUP

mkdir -p build

case $goal in
    test)   parts=${PARTS:-check unit plain hup palloc} ;;
    blocks) parts="plain" ;;
    san)    parts="unit san palloc" ;;
    *)      parts=$goal ;;
esac

wants() { case " $parts " in *" $1 "*) ;; *) return 1 ;; esac; }

# without a source of nginx: the next best
if [ $goal = test ] && wants palloc \
    && ! t/tools/source.sh > /dev/null 2> build/source.err; then
    echo "no source of nginx to be had, san instead of palloc:" >&2
    tail -n 3 build/source.err >&2
    parts=${parts/palloc/san}
fi

rm -rf $modes
mkdir -p $modes


# what has to be built, at once

jobs_pids=()

build()
{
    local name=$1
    shift
    "$@" > "build/$name.out" 2>&1 &
    jobs_pids+=("$!:$name")
}

build_palloc()
{
    local src

    src=$(t/tools/source.sh) || return 1

    # nginx itself relies on behaviour that is undefined
    NGINX_SRC=$src SANITIZE=address,undefined RECOVER=1 NGINX_CONF= \
        CFLAGS=-DNGX_DEBUG_PALLOC=1 t/tools/build.sh static build/palloc
}

build_static()
{
    local src

    src=$(t/tools/source.sh) || return 1

    NGINX_SRC=$src t/tools/build.sh static build/static
}

build_unit()
{
    local dir src=${NGINX_SRC:-/usr/share/nginx/src}
    local san="-fsanitize=address,undefined"

    # as the module was configured
    export NGX_INC="-I $top/build/objs"

    for dir in core event event/modules event/quic os/unix http \
               http/modules http/v2 http/v3; do
        NGX_INC="$NGX_INC -I $src/src/$dir"
    done

    rm -rf build/unit build/unit-san
    t/unit/build.sh build/unit
    CFLAGS="$san -fno-sanitize-recover=all" LDFLAGS=$san \
        t/unit/build.sh build/unit-san
}

build_tool()
{
    t/tools/tool.sh build || return 1
    WERROR=1 SANITIZE=address,undefined \
        t/tools/tool.sh build/tool-san build/objs
}

t/tools/build.sh module build
build tool build_tool
wants check && build fuzz t/tools/fuzz.sh build/fuzz

# the module stays mapped, so that what is found at the end has names
stay=-Wl,-z,nodelete

wants san && build san env SANITIZE=address,undefined LDFLAGS=$stay \
                       t/tools/build.sh module build/san
wants valgrind && build valgrind env LDFLAGS=$stay CFLAGS=-O1 \
                       t/tools/build.sh module build/valgrind
wants palloc && build palloc build_palloc
wants static && build static build_static
wants unit && [ -x t/unit/build.sh ] && build unit build_unit

for job in "${jobs_pids[@]}"; do
    if ! wait "${job%%:*}"; then
        echo "could not build ${job#*:}:" >&2
        cat "build/${job#*:}.out" >&2
        exit 1
    fi
done


# what is to be run

files=()

# mode_file NAME PERL: a test file of one line
mode_file()
{
    mkdir -p "$(dirname "$modes/$1.t")"
    echo "$2" > "$modes/$1.t"
    files+=("$modes/$1.t")
}

tests=${T:-$(ls t/[0-9][0-9]-*/*.t 2>/dev/null || :)}

for room in ${WITHOUT:-}; do
    tests=$(printf '%s\n' $tests | grep -vE "^t/$room(/|\.t$)" || :)
done

if wants check; then
    for t in $tests; do
        grep -qE '^use Jamhook(::Nginx)?[ ;]' "$t" || files+=("$t")
    done
fi

if wants unit && [ -z "${T:-}" ]; then
    for bin in $(ls build/unit/*.t build/unit-san/*.t 2> /dev/null || :); do
        name=${bin#build/}
        mode_file "${name%.t}" "exec './$bin' or die 'exec';"
    done
fi

pgsql="\$ENV{JAMHOOK_TEST_STORE} = 'pgsql';"
has_pgsql=yes

if ! grep -q NGX_HTTP_JAMHOOK_PGSQL build/objs/ngx_auto_config.h; then
    echo "the module was built without PostgreSQL: no test of that" >&2
    has_pgsql=no
fi

for mode in plain hup san palloc valgrind static; do
    wants $mode || continue

    for t in $tests; do
        grep -qE '^use Jamhook(::Nginx)?[ ;]' "$t" || continue

        only=$(sed -n 's/^# modes: *//p' "$t")

        if [ -n "$only" ]; then
            case " $only " in *" ${mode/static/plain} "*) ;; *) continue ;; esac
        fi

        name=${t#t/}
        stores=$(sed -n 's/^# stores: *//p' "$t")

        case "$has_pgsql $mode: $stores " in
            "yes plain:"*" pgsql "*)
                mode_file "pgsql/${name%.t}" "$pgsql exec \$^X, '$t';"
            ;;

            "yes palloc:"*" pgsql-palloc "*)
                mode_file "pgsql-palloc/${name%.t}" \
                    "$pgsql \$ENV{JAMHOOK_UNDER} = 'palloc'; exec \$^X, '$t';"
            ;;
        esac

        case " ${stores:-sqlite} " in *" sqlite "*) ;; *) continue ;; esac

        case $mode in
            plain)
                files+=("$t")
                continue
            ;;

            hup)
                grep -qE '^use Jamhook[ ;]' "$t" || continue
                set -- TEST_NGINX_USE_HUP 1
            ;;

            static)
                mode_file "static/${name%.t}" "\$ENV{JAMHOOK_MODULE} = '';
                    \$ENV{JAMHOOK_NGINX} = '$top/build/static/nginx';
                    exec \$^X, '$t' or die 'exec';"
                continue
            ;;

            *)
                set -- JAMHOOK_UNDER $mode
            ;;
        esac

        mode_file "$mode/${name%.t}" \
            "\$ENV{$1} = '$2'; exec \$^X, '$t' or die 'exec';"
    done
done

if [ ${#files[@]} = 0 ]; then
    echo "no tests" >&2
    exit 1
fi


# one server for all that use PostgreSQL

. t/tools/pg.sh

if printf '%s\n' "${files[@]}" | grep -q pgsql; then
    trap 'pg_stop build/pg' EXIT
    pg_start build/pg
fi

rc=0
pg_run prove -j "$jobs" "${files[@]}" || rc=$?
exit $rc
