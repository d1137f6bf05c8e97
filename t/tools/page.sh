#!/usr/bin/env bash
# page.sh FILE
#
# Builds the portal's page from src/front/page, and makes the C file FILE of it.
# What npm installs for that is in build/page, in the versions and with the
# checksums of package-lock.json; the files as they are served, build/page/out.

set -eu

file=$1
top=$(cd "$(dirname "$0")/../.." && pwd -P)
cd "$top"

from=src/front/page
dir=build/page

mkdir -p $dir

if ! cmp -s $from/package-lock.json $dir/installed.json; then
    rm -f $dir/installed.json
    cp $from/package.json $from/package-lock.json $from/.npmrc $dir

    if ! (cd $dir && npm ci) > $dir/npm.log 2>&1; then
        cat $dir/npm.log >&2
        exit 1
    fi

    cp $from/package-lock.json $dir/installed.json
fi

rm -rf $dir/out
node $from/build.mjs $dir/node_modules $dir/out "$file"
