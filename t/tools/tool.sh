#!/usr/bin/env bash
# tool.sh DIR [OBJS]
#
# Makes the command line DIR/jamhook, of src/tool and the rooms that it shares
# with the module, by the headers of an nginx that was configured in OBJS (see
# build.sh), else in DIR/objs.
#
#   NGINX_SRC     a plain nginx source tree; else the one of nginx-dev
#   CC, CFLAGS, LDFLAGS
#   WERROR=1      -Wall -Wextra -Werror
#   SANITIZE=...  "address,undefined" or so; what they find ends it

set -eu

mkdir -p "$1"
dir=$(cd "$1" && pwd -P)
objs=${2:-$dir/objs}
top=$(cd "$(dirname "$0")/../.." && pwd -P)
src=${NGINX_SRC:-/usr/share/nginx/src}/src

cc=${CC:-cc}
opt="-O2 -g -fstack-protector-strong -Wformat -Wformat-security"
ldopt="-Wl,-z,relro -Wl,-z,now -pie"

if [ -n "${WERROR:-}" ]; then
    opt="$opt -Wall -Wextra -Werror -Wno-unused-parameter"
fi

if [ -n "${SANITIZE:-}" ]; then
    opt="$opt -O1 -fsanitize=$SANITIZE -fno-sanitize-recover=all"
    opt="$opt -fno-omit-frame-pointer"
    ldopt="$ldopt -fsanitize=$SANITIZE"
else
    opt="$opt -D_FORTIFY_SOURCE=2"
fi

opt="$opt -fPIE ${CFLAGS:-}"
ldopt="$ldopt ${LDFLAGS:-}"

for part in core event event/modules event/quic os/unix http http/modules \
            http/v2 http/v3
do
    opt="$opt -I $src/$part"
done

opt="$opt -I $objs"

for room in "" /base /rules /store /stats /relay /front /conf /tool; do
    opt="$opt -I $top/src$room"
done

backends=sqlite
libs="-lcjson -lcrypto -lsqlite3"

if grep -q NGX_HTTP_JAMHOOK_PGSQL "$objs/ngx_auto_config.h"; then
    backends="sqlite pgsql"
    libs="$libs -lpq"

    for place in "$(pg_config --includedir 2> /dev/null || :)" \
                 /usr/include/postgresql
    do
        [ ! -e "$place/libpq-fe.h" ] || opt="$opt -I $place"
    done
fi

files=$(ls "$top"/src/tool/*.c "$top"/src/base/*.c "$top"/src/rules/*.c \
           "$top"/src/store/ngx_http_jamhook_backend.c \
           "$top"/src/store/ngx_http_jamhook_shown*.c \
           "$top"/src/front/ngx_http_jamhook_render.c
        for backend in $backends; do
            ls "$top/src/store/ngx_http_jamhook_$backend"*.c
        done)

want=$(printf '%s\n' "$cc" "$opt" "$ldopt" "$files"
       cksum "$objs/ngx_auto_config.h")

if [ "$(cat "$dir/tool/configured" 2> /dev/null)" != "$want" ]; then
    rm -rf "$dir/tool"
    mkdir "$dir/tool"
    printf '%s\n' "$want" > "$dir/tool/configured"
fi

# an object is older than its source or any header: made anew

header=$(ls -t "$top"/src/*.h "$top"/src/*/*.h | head -n 1)
made=
running=0

for file in $files; do
    obj=$dir/tool/$(basename "$file" .c).o
    made="$made $obj"

    if [ "$obj" -nt "$file" ] && [ "$obj" -nt "$header" ]; then
        continue
    fi

    rm -f "$obj"

    if [ $((running += 1)) -gt "$(nproc)" ]; then
        wait -n || :
    fi

    # shellcheck disable=SC2086
    $cc $opt -c "$file" -o "$obj" &
done

wait

for obj in $made; do
    [ -f "$obj" ] || exit 1
done

if [ $running != 0 ] || [ ! -x "$dir/jamhook" ]; then
    # shellcheck disable=SC2086
    $cc -o "$dir/jamhook.new" $made $ldopt $libs
    mv "$dir/jamhook.new" "$dir/jamhook"
    echo "built ${dir#"$top"/}/jamhook"
fi
