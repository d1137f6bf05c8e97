#!/bin/sh
#
# Builds the harnesses: t/fuzz/build.sh OUTDIR. Each becomes OUTDIR/fuzz_WHAT, a
# program of libFuzzer's with the address and undefined behaviour sanitizers.
#
# CC is clang unless it is set; CFLAGS are added to ours. NGX_INC and NGX_SRC as
# in t/unit/build.sh; NGINX_TREE is a whole source of nginx, for its parser of
# dates. COVERAGE=1 builds for llvm-cov instead of the sanitizers. fuzz_uri is
# left out where there is no libpq.

set -eu

[ $# -eq 1 ] || { echo "usage: $0 OUTDIR" >&2; exit 2; }

mkdir -p "$1"
out=$(cd "$1" && pwd)
root=$(cd "$(dirname "$0")/../.." && pwd)

CC=${CC:-clang}
NGX_SRC=${NGX_SRC:-/usr/share/nginx/src}

if [ -z "${NGX_INC:-}" ]; then

    # as the module was configured, or as the unit tests do it

    objs=$root/build/objs
    [ -f "$objs/ngx_auto_config.h" ] || objs=$root/build/unit/objs

    NGX_INC="-I $objs"
    for dir in core event event/modules event/quic os/unix http \
               http/modules http/v2 http/v3; do
        NGX_INC="$NGX_INC -I $NGX_SRC/src/$dir"
    done
fi

inc="-I $root/t/unit"
for dir in "" /base /rules /store /stats /relay /front /tool; do
    inc="$inc -I $root/src$dir"
done

flags="-g -O1 -Wall -Wextra -Wno-unused-parameter -Werror -D_GNU_SOURCE"
flags="$flags -DNGX_HTTP_JAMHOOK_TOOL_HOST_FAILS=shim_is_due"

if [ -n "${COVERAGE:-}" ]; then
    san="-fprofile-instr-generate -fcoverage-mapping"
else
    san="-fsanitize=address,undefined -fno-sanitize-recover=all"
fi

libs="-lcjson -lcrypto -lm"
pgsql=no

for dir in "$(pg_config --includedir 2> /dev/null || :)" \
           /usr/include/postgresql
do
    [ ! -e "$dir/libpq-fe.h" ] || { inc="$inc -I $dir"; pgsql=yes; }
done

[ "${JAMHOOK_PGSQL:-}" != no ] || pgsql=no
[ $pgsql = no ] || inc="$inc -DNGX_HTTP_JAMHOOK_PGSQL=1"

# compile SOURCE OBJECT [FLAGS]
compile() {
    # shellcheck disable=SC2086
    $CC $flags $san -fsanitize=fuzzer-no-link ${CFLAGS:-} ${3:-} $inc \
        $NGX_INC -c "$1" -o "$2"
}

objs=
more=
parser=

if [ -n "${NGINX_TREE:-}" ]; then
    parser=-Dngx_parse_http_time=nginx_parse_http_time
    more=-DFUZZ_NGINX=1
    compile "$NGINX_TREE/src/core/ngx_parse_time.c" "$out/nginx_time.o" $parser
    objs=$out/nginx_time.o
fi

for file in "$root"/src/base/*.c "$root"/src/rules/*.c \
            "$root"/src/tool/ngx_http_jamhook_tool_host.c \
            "$root"/t/unit/ngx_shim.c
do
    obj=$out/$(basename "$file" .c).o

    case $file in
        *_backoff.c) compile "$file" "$obj" "$parser" ;;
        *) compile "$file" "$obj" ;;
    esac

    objs="$objs $obj"
done

if [ $pgsql = yes ]; then
    obj=$out/ngx_http_jamhook_pgsql_uri.o
    compile "$root/src/store/ngx_http_jamhook_pgsql_uri.c" "$obj"
    objs="$objs $obj"
fi

rm -f "$out/rooms.a" "$out"/fuzz_*
# shellcheck disable=SC2086
ar rcs "$out/rooms.a" $objs

for file in "$root"/t/fuzz/fuzz_*.c; do
    name=$(basename "$file" .c)
    lib=

    if [ "$name" = fuzz_uri ]; then
        [ $pgsql = yes ] || continue
        lib=-lpq
    fi

    compile "$file" "$out/$name.obj" "$more"

    # shellcheck disable=SC2086
    $CC $san -fsanitize=fuzzer ${CFLAGS:-} -o "$out/$name" "$out/$name.obj" \
        "$out/rooms.a" $libs $lib
    rm -f "$out/$name.obj"
done
