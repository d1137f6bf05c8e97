#!/usr/bin/env bash
# source.sh: says where a whole nginx source tree is: NGINX_SRC, or that of this
# machine's Debian nginx, which it gets into build/nginx-src (see apt.sh).

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

    apt_side "$side" deb-src ""

    version=$(dpkg-query -W -f '${source:Version}' nginx)

    cd "$side/cache"

    # the version of this machine's nginx; an old one may be gone
    apt_side_get "$side" -qq source --download-only "nginx=$version" \
        >> "$side/log" 2>&1 \
    || apt_side_get "$side" -qq source --download-only nginx \
        >> "$side/log" 2>&1 \
    || { cat "$side/log" >&2; exit 1; }

    rm -rf "$dir"
    mkdir -p "$top/build"
    dpkg-source --no-check -x ./*.dsc "$side/tree" > /dev/null
    chmod -R u+rwX,go+rX "$side/tree"
    mv "$side/tree" "$dir"
fi

echo "$dir"
