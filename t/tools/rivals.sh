#!/usr/bin/env bash
# rivals.sh
#
# What t/bench/rivals.pl measures jamhook against, in build/rivals: Debian's lua
# and njs modules for this machine's nginx with what they need, unpacked there
# (installed, they would be loaded by the machine's own nginx), and fastify and
# undici, in the versions and with the checksums of package-lock.json. Says
# nothing and changes nothing when all is there.

set -eu

top=$(cd "$(dirname "$0")/../.." && pwd -P)
cd "$top"

dir=build/rivals
modules="libnginx-mod-http-lua libnginx-mod-http-js"
nginx=$(nginx -v 2>&1)

if [ "$(cat $dir/unpacked 2> /dev/null)" != "$nginx" ]; then
    if ! command -v apt-get > /dev/null; then
        echo "not Debian: no lua and no njs module to measure against" >&2
        exit 1
    fi

    echo "unpacking lua and njs for nginx into $dir"

    side=$(mktemp -d)
    trap 'rm -rf "$side"' EXIT
    mkdir -p "$side/archives/partial" $dir
    chmod -R 755 "$side"

    # apt knows what these packages need and this machine lacks
    set -- -qq -y --no-install-recommends --download-only \
           -o Debug::NoLocking=1 -o Dir::Cache::archives="$side/archives" \
           install $modules lua-cjson

    if ! apt-get "$@" > build/apt.log 2>&1; then
        . t/tools/apt.sh
        apt_side "$side" deb ""
        apt_side_get "$side" -o Dir::State::status=/var/lib/dpkg/status "$@" \
            > build/apt.log 2>&1 || { cat build/apt.log >&2; exit 1; }
    fi

    rm -rf $dir/root $dir/unpacked
    mkdir -p $dir/root

    for deb in "$side"/archives/*.deb; do
        [ ! -e "$deb" ] || dpkg-deb -x "$deb" $dir/root
    done

    printf '%s\n' "$nginx" > $dir/unpacked
fi

from=t/bench/rivals
node=$dir/node

if ! cmp -s $from/package-lock.json $node/installed.json; then
    mkdir -p $node
    rm -f $node/installed.json
    cp $from/package.json $from/package-lock.json $from/.npmrc $node

    if ! (cd $node && npm ci) > $node/npm.log 2>&1; then
        cat $node/npm.log >&2
        exit 1
    fi

    cp $from/package-lock.json $node/installed.json
fi
