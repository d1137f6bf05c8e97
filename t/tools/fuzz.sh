#!/usr/bin/env bash
# fuzz.sh DIR: builds the harnesses of t/fuzz in DIR, with nginx's own parser of
# dates where its source is there already (t/tools/source.sh).

set -eu

cd "$(dirname "$0")/../.."

if [ -n "${NGINX_SRC:-}" ]; then
    tree=$NGINX_SRC
else
    tree=$PWD/build/nginx-src
fi

[ -f "$tree/src/core/ngx_parse_time.c" ] || tree=

unset CC CFLAGS
NGINX_TREE=$tree t/fuzz/build.sh "$1"
