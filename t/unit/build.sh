#!/bin/sh
#
# Builds the unit tests: t/unit/build.sh OUTDIR, then  prove --exec '' OUTDIR/
#
# CC, CFLAGS (added to ours) and LDFLAGS are honoured; NGX_INC holds the -I
# flags of a configured nginx, by default that of nginx-dev in
# /usr/share/nginx/src (NGX_SRC), configured in OUTDIR/objs.
#
# The tests of the store are built twice, as *-sqlite.t and *-pgsql.t; those of
# PostgreSQL only where libpq is there, and JAMHOOK_PGSQL=no leaves them out. To
# run them:  t/tools/pg.sh prove --exec '' OUTDIR/

set -eu

[ $# -eq 1 ] || { echo "usage: $0 OUTDIR" >&2; exit 2; }

mkdir -p "$1"
out=$(cd "$1" && pwd)
root=$(cd "$(dirname "$0")/../.." && pwd)

CC=${CC:-cc}
NGX_SRC=${NGX_SRC:-/usr/share/nginx/src}

if [ -z "${NGX_INC:-}" ]; then

    if [ ! -f "$out/objs/ngx_auto_config.h" ]; then
        OBJS="$out/objs" SRC="$NGX_SRC" bash -eu -c '
            NGX_CONF_FLAGS=()
            [ ! -f "$SRC/conf_flags" ] || . "$SRC/conf_flags"
            cd "$SRC"
            ./configure "${NGX_CONF_FLAGS[@]}" --builddir="$OBJS"
        ' > "$out/configure.log" 2>&1 \
            || { tail -5 "$out/configure.log" >&2; exit 1; }
    fi

    NGX_INC="-I $out/objs"
    for dir in core event event/modules event/quic os/unix http \
               http/modules http/v2 http/v3; do
        NGX_INC="$NGX_INC -I $NGX_SRC/src/$dir"
    done
fi

inc="-I $root/t/unit"
for dir in "" /base /rules /store /stats /relay /front /conf; do
    inc="$inc -I $root/src$dir"
done

# PostgreSQL, where it is there (see ../../config)

pgsql=no
libs="-lcjson -lcrypto -lsqlite3 -lm"

if [ "${JAMHOOK_PGSQL:-}" != no ]; then

    for dir in "$(pg_config --includedir 2> /dev/null || :)" \
               /usr/include/postgresql
    do
        [ ! -e "$dir/libpq-fe.h" ] || inc="$inc -I $dir"
    done

    # shellcheck disable=SC2086
    if echo '#include <libpq-fe.h>
             int main(void) { return PQenterPipelineMode(NULL); }' \
        | $CC $inc -x c - -x none -o "$out/libpq" ${LDFLAGS:-} -lpq 2> "$out/libpq.log"
    then
        pgsql=yes
        inc="$inc -DNGX_HTTP_JAMHOOK_PGSQL=1"
        libs="$libs -lpq"
    else
        echo "without PostgreSQL: no libpq 14 or later (libpq-dev)" >&2
    fi
fi

flags="-g -O1 -Wall -Wextra -Wno-unused-parameter -Werror -DT_DATA=\"$root/t/data\""
flags="$flags -DNGX_HTTP_JAMHOOK_TOOL_HOST_FAILS=shim_is_due"
objs=

compile() {
    # shellcheck disable=SC2086
    $CC $flags ${CFLAGS:-} ${3:-} $inc $NGX_INC -c "$1" -o "$2"
}

# program NAME FILE [FLAGS]
program() {
    compile "$2" "$out/$1.o" "${3:-}"
    # shellcheck disable=SC2086
    $CC ${CFLAGS:-} -o "$out/$1.t" "$out/$1.o" "$out/rooms.a" \
        ${LDFLAGS:-} $libs
}

backends=$root/src/store/ngx_http_jamhook_sqlite
[ $pgsql = no ] || backends="$backends $root/src/store/ngx_http_jamhook_pgsql"

for file in "$root"/src/base/*.c "$root"/src/rules/*.c \
            "$root"/src/store/ngx_http_jamhook_backend.c \
            "$root"/src/store/ngx_http_jamhook_shown*.c \
            $(for backend in $backends; do ls "$backend"*.c; done) \
            "$root"/src/stats/ngx_http_jamhook_counts.c \
            "$root"/src/front/ngx_http_jamhook_render*.c \
            "$root"/src/tool/ngx_http_jamhook_tool_host.c \
            "$root"/t/unit/ngx_shim.c
do
    obj=$out/$(basename "$file" .c).o
    compile "$file" "$obj"
    objs="$objs $obj"
done

# a program gets what it calls: not all have what the room front needs
rm -f "$out/rooms.a"
# shellcheck disable=SC2086
ar rcs "$out/rooms.a" $objs

rm -f "$out"/*.t

for file in "$root"/t/unit/test_*.c; do
    name=$(basename "$file" .c)
    name=${name#test_}

    case $name in

        store*)
            program "$name-sqlite" "$file"
            [ $pgsql = no ] || program "$name-pgsql" "$file" -DSTORE_PGSQL
        ;;

        pgsql*)
            [ $pgsql = no ] || program "$name" "$file" -DSTORE_PGSQL
        ;;

        *)
            program "$name" "$file"
        ;;

    esac
done
