#!/bin/sh
#
# Builds the unit tests: t/unit/build.sh OUTDIR, then  prove --exec '' OUTDIR/
#
# CC, CFLAGS (added to ours) and LDFLAGS are honoured; NGX_INC holds the -I
# flags of a configured nginx, by default that of nginx-dev in
# /usr/share/nginx/src (NGX_SRC), configured in OUTDIR/objs.

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

flags="-g -O1 -Wall -Wextra -Werror -DT_DATA=\"$root/t/data\""
flags="$flags -DNGX_HTTP_JAMHOOK_TOOL_HOST_FAILS=shim_is_due"
objs=

compile() {
    # shellcheck disable=SC2086
    $CC $flags ${CFLAGS:-} $inc $NGX_INC -c "$1" -o "$2"
}

for file in "$root"/src/base/*.c "$root"/src/rules/*.c \
            "$root"/src/store/ngx_http_jamhook_backend.c \
            "$root"/src/store/ngx_http_jamhook_sqlite*.c \
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

for file in "$root"/t/unit/test_*.c; do
    name=$(basename "$file" .c)
    compile "$file" "$out/$name.o"
    # shellcheck disable=SC2086
    $CC ${CFLAGS:-} -o "$out/${name#test_}.t" "$out/$name.o" \
        "$out/rooms.a" \
        ${LDFLAGS:-} -lcjson -lcrypto -lsqlite3 -lm
done
