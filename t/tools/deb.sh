#!/usr/bin/env bash
# deb.sh [DIR]
#
# Makes the Debian packages of .debian in DIR (build/deb): the source package,
# libnginx-mod-http-jamhook for the nginx of this machine's nginx-dev, and
# jamhook, the command line.
#
# The version is that of CHANGES.md; before its release it has "~git" and the
# time of the last commit behind it, so that the release is higher.
#
#   DEB_VERSION           another version, such as 0.1.0-2
#   DEBFULLNAME, DEBEMAIL the maintainer; else git's user
#   DEB_BUILD_OPTIONS     nocheck: without tests

set -eu

top=$(cd "$(dirname "$0")/../.." && pwd -P)
cd "$top"

mkdir -p "${1:-build/deb}"
dir=$(cd "${1:-build/deb}" && pwd -P)

# of "make": not for a package
unset NGINX_SRC NGINX_CONF CC CFLAGS LDFLAGS WERROR T DESTDIR PREFIX \
      MODULES_DIR ETC_DIR MAKEFLAGS MFLAGS MAKELEVEL

in_git() { [ "$(git rev-parse --show-prefix 2> /dev/null)" = "" ] \
           && git rev-parse HEAD > /dev/null 2>&1; }


# what it is called, when and by whom it is made

read -r _ release state < <(grep -m 1 '^## ' CHANGES.md)

source=$(sed -n 's/^#define NGX_HTTP_JAMHOOK_VERSION *"\(.*\)"/\1/p' \
             src/ngx_http_jamhook.h)

if [ "$release" != "$source" ]; then
    echo "deb.sh: CHANGES.md says $release, src/ngx_http_jamhook.h $source" >&2
    exit 1
fi

if in_git; then
    epoch=$(git log -1 --format=%ct)
else
    epoch=$(stat -c %Y CHANGES.md)
fi

version=$release-1

if [ "$state" = "(unreleased)" ]; then
    version=$release~git$(date -u -d "@$epoch" +%Y%m%d%H%M%S)-1
fi

version=${DEB_VERSION:-$version}
upstream=${version%-*}

name=${DEBFULLNAME:-$(git config user.name || :)}
email=${DEBEMAIL:-$(git config user.email || :)}

if [ -z "$name" ] || [ -z "$email" ]; then
    echo "deb.sh: who makes the packages? DEBFULLNAME and DEBEMAIL say it" >&2
    exit 1
fi


# the source, as it is released

copy=$dir/jamhook-$upstream

rm -rf "$copy"
mkdir -p "$copy"

{
    if in_git; then
        git ls-files -z --cached --others --exclude-standard
    else
        find . -path ./build -prune -o -path './t/servroot*' -prune \
             -o -type f -printf '%P\0'
    fi
} | while IFS= read -r -d '' file; do
        case $file in .debian/*) continue ;; esac
        [ ! -e "$file" ] || printf '%s\0' "$file"
    done | tar -cf - --null -T - | tar -xf - -C "$copy"

tar -C "$dir" --sort=name --owner=0 --group=0 --numeric-owner \
    --mode=u=rwX,go=rX --mtime="@$epoch" -cJf \
    "$dir/jamhook_$upstream.orig.tar.xz" "jamhook-$upstream"

cp -r .debian "$copy/debian"
sed -i "s/@MAINTAINER@/${name//[\\\/&]/\\&} <$email>/" "$copy/debian/control"

cat > "$copy/debian/changelog" << END
jamhook ($version) UNRELEASED; urgency=medium

  * Version $release $state; what it brings is in CHANGES.md.

 -- $name <$email>  $(LC_ALL=C date -u -R -d "@$epoch")
END


# what is in the directory is of this version then

if ! (cd "$copy" && dpkg-buildpackage -us -uc) > "$dir/build.log" 2>&1; then
    tail -n 40 "$dir/build.log" >&2
    echo "deb.sh: the packages could not be built, see $dir/build.log" >&2
    exit 1
fi

rm -rf "$copy"

changes=$dir/jamhook_${version}_$(dpkg --print-architecture).changes
sed -n '/^Files:/,/^[^ F]/s/^ .* //p' "$changes" | grep '\.deb$' \
    | sed "s#^#${dir#"$top"/}/#"
