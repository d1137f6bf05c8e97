#!/usr/bin/env bash
# matrix.sh
#
# Builds and tests what is in this tree on several Debians, each in a chroot
# (see chroot.sh) with its own nginx, libraries and compiler:
#
#   dynamic   the module, with the distribution's nginx: the parts of "make
#             test", palloc's nginx being built from that Debian's source
#   static    the nginx of that Debian's source with the module inside
#
# on a loopback interface of their own, so that no port is taken, and says in a
# table what was seen; not zero if anything failed. As root only.
#
# Left out, for they have nothing to do with the versions of what the module is
# built with: static analysis (00-check/010-lint), whose exceptions are of Debian
# 12's tools; the page and its browser (68-page, 75-browser), what comes from
# npm (80-foreign), the packages, which have a chroot of their own (85-packages),
# the torture and the benchmarks (90-torture).
#
#   MATRIX="bookworm trixie sid"
#   PARTS="check unit plain hup palloc static"
#   T="t/10-x/001-y.t"      only these files
#   JAMHOOK_CHROOTS=dir     see chroot.sh
#
# Logs, and the table: build/matrix.

set -eu

top=$(cd "$(dirname "$0")/../.." && pwd -P)
cd "$top"

suites=${MATRIX:-bookworm trixie sid}
parts=${PARTS:-check unit plain hup palloc static}
out=build/matrix
without="00-check/010-lint 68-page 75-browser 80-foreign 85-packages 90-torture"
chroot=t/tools/chroot.sh
failed=0

if [ "$(id -u)" != 0 ]; then
    echo "make matrix needs root, for its chroots" >&2
    exit 1
fi

t/tools/deps.sh chroot

exec 3>&1
mkdir -p $out
rm -f $out/*.row

say() { echo "$(date +%H:%M:%S) $*"; }

# the files of this tree, as they are, in a repository of their own: a test
# asks git for them
tree_in()
{
    local there
    there=$($chroot dir "$1")/srv/jamhook

    rm -rf "$there"
    mkdir -p "$there"
    git ls-files -z --cached --others --exclude-standard \
        | tar -c --null --ignore-failed-read -T - 2> /dev/null \
        | tar -x --no-same-owner -C "$there"
    git init -q "$there"
}

# The source of that Debian's nginx. A mirror may lack one that its index
# names: another Debian's then, and the table says so.
source_in()
{
    local suite=$1 other

    there "$suite" t/tools/source.sh && return

    for other in trixie bookworm; do
        say "$suite: no source of its nginx to be had; that of $other" >&3
        there "$suite" env SOURCE_SUITE=$other t/tools/source.sh && return
    done

    return 1
}

there()
{
    local suite=$1
    shift

    $chroot run "$suite" sh -c 'cd /srv/jamhook && exec "$@"' sh \
        env PARTS="$parts" T="${T:-}" WITHOUT="$without" "$@"
}

# of prove's last lines: files, tests, failed files
counted()
{
    awk '/^Files=[0-9]+, Tests=[0-9]+,/ {
             split($0, a, /[=,]/); files = a[2]; tests = a[4]
         }
         /^[^ ]+\.t +\(Wstat: / { failed++ }
         /^Result: / { result = $2 }
         END {
             if (result == "") print "did not end";
             else printf "%d / %d / %d\n", files, tests, failed
         }' "$1"
}

# kind, its command: the cell of the table
part()
{
    local suite=$1 kind=$2 log=$out/$1-$2.log rc=0
    shift 2

    say "$suite: $kind"
    CHROOT_NET=no there "$suite" "$@" > "$log" 2>&1 < /dev/null || rc=$?
    cell=$(counted "$log")

    if [ $rc != 0 ]; then
        failed=1
        cell="$cell **FAILED**"
        say "$suite: $kind failed, see $log"
        grep -E '^[^ ]+\.t +\(Wstat: |error:' "$log" | head -n 20 || :
    fi
}

of()
{
    $chroot run "$1" dpkg-query -W -f '${Version}\n' "$2" \
        | sed -E 's/^[0-9]+://; s/[-+][^-]*$//'
}

one()
{
    local suite=$1 start=$SECONDS dynamic=- static=- built=
    local mine versions cell

    say "$suite: chroot"
    $chroot make "$suite" git make ca-certificates || return 1
    tree_in "$suite" || return 1

    say "$suite: packages"
    there "$suite" t/tools/deps.sh build matrix source \
        > "$out/$suite-deps.log" 2>&1 < /dev/null \
    || { tail -n 5 "$out/$suite-deps.log" >&2; return 1; }

    case " $parts " in *" palloc "* | *" static "*)
        source_in "$suite" >> "$out/$suite-deps.log" 2>&1 < /dev/null \
        || { tail -n 5 "$out/$suite-deps.log" >&2; return 1; }

        built=$($chroot run "$suite" sed -n \
                    's/^#define NGINX_VERSION *"\(.*\)"/\1/p' \
                    /srv/jamhook/build/nginx-src/src/core/nginx.h)
    ;; esac

    versions="$(of "$suite" nginx) | $(of "$suite" libssl-dev)"
    versions="$versions | $(of "$suite" libcjson-dev)"
    versions="$versions | $(of "$suite" libsqlite3-dev)"
    versions="$versions | $(of "$suite" libpq-dev)"
    versions="$versions | $($chroot run "$suite" cc -dumpfullversion)"

    mine=$(echo " $parts " | sed 's/ static / /')

    if [ -n "${mine// /}" ]; then
        part "$suite" dynamic env PARTS="$mine" t/tools/test.sh test
        dynamic=$cell
    fi

    case " $parts " in *" static "*)
        part "$suite" static t/tools/test.sh static
        static=$cell
        [ "$built" = "$(of "$suite" nginx)" ] || static="nginx $built: $static"
    ;; esac

    echo "| $suite | $versions | $dynamic | $static |" \
         "$(((SECONDS - start + 30) / 60)) min |" > "$out/$suite.row"
}

for suite in $suites; do
    if ! one "$suite"; then
        failed=1
        echo "| $suite | **not made** | | | | | | | | |" > "$out/$suite.row"
    fi
done

{
    echo "| suite | nginx | OpenSSL | cJSON | SQLite | libpq | gcc" \
         "| dynamic: files / tests / failed files | static: the same | took |"
    echo "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    for suite in $suites; do cat "$out/$suite.row"; done
} > $out/table.md

echo
cat $out/table.md
exit $failed
