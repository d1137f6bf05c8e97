#!/usr/bin/env bash
# source.sh: says where a whole nginx source tree is: NGINX_SRC, or that of this
# machine's Debian nginx, which it gets into build/nginx-src (see apt.sh).
#
#   SOURCE_SUITE=trixie     that suite's nginx instead of this machine's

set -eu

top=$(cd "$(dirname "$0")/../.." && pwd -P)
dir=$top/build/nginx-src

if [ -n "${NGINX_SRC:-}" ]; then
    echo "$NGINX_SRC"
    exit 0
fi

if [ ! -f "$dir/src/core/nginx.c" ]; then
    . "$top/t/tools/apt.sh"

    side=$(mktemp -d)
    trap 'rm -rf "$side"' EXIT

    apt_side "$side" deb-src "${SOURCE_SUITE:-}"

    version=$(dpkg-query -W -f '${source:Version}' nginx)

    cd "$side/cache"

    # the version of this machine's nginx; an old one may be gone. Of a new one
    # a mirror may have nginx's own archive before it has Debian's part.
    for what in "nginx=$version" nginx "--tar-only nginx"; do
        case ${SOURCE_SUITE:+$what} in nginx=*) continue ;; esac

        # shellcheck disable=SC2086
        if apt_side_get "$side" -qq source --download-only $what \
               >> "$side/log" 2>&1
        then
            got=$what
            break
        fi
    done

    [ -n "${got:-}" ] || { cat "$side/log" >&2; exit 1; }

    rm -rf "$dir"
    mkdir -p "$top/build"

    if [ "$got" = "--tar-only nginx" ]; then
        echo "nginx's source without Debian's patches" >&2
        mkdir "$side/tree"
        tar -xf ./nginx_*.orig.tar.[gx]z --strip-components 1 -C "$side/tree"
    else
        dpkg-source --no-check -x ./*.dsc "$side/tree" > /dev/null
    fi

    chmod -R u+rwX,go+rX "$side/tree"
    mv "$side/tree" "$dir"
fi

echo "$dir"
