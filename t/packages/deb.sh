#!/usr/bin/env bash
# deb.sh: makes the Debian packages, in two versions; what lintian says of them;
# and their life in a clean Debian 12: see inside.sh. As root. Speaks TAP.

set -eu

top=$(cd "$(dirname "$0")/../.." && pwd -P)
cd "$top"

dir=$top/build/deb-test
failed=0

rm -rf "$dir"
mkdir -p "$dir/show/1" "$dir/show/2"

t/tools/deb.sh "$dir/1" > "$dir/made"
version=$(sed -n 's/^Version: //p' "$dir"/1/*.dsc)
DEB_VERSION=${version%-*}-2 DEB_BUILD_OPTIONS=nocheck \
    t/tools/deb.sh "$dir/2" >> "$dir/made"

echo "# lintian"

if ! lintian --allow-root --pedantic --fail-on error,warning \
     "$dir"/1/*.changes
then
    echo "not ok - lintian has no error and no warning"
    failed=1
fi

for n in 1 2; do
    for deb in "$dir/$n"/*.deb; do
        case $deb in *-dbgsym_*) ;; *) cp "$deb" "$dir/show/$n/" ;; esac
    done
done

cp t/packages/inside.sh t/run/send.sh t/run/recorded.json "$dir/show/"

t/tools/chroot.sh make bookworm nginx curl iproute2 openssl procps sqlite3 \
    libcjson1 libpq5 libsqlite3-0

CHROOT_TMP=$dir/show timeout 600 t/tools/chroot.sh try bookworm \
    unshare --net sh /mnt/inside.sh || failed=1

exit $failed
