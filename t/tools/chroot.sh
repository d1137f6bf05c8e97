#!/usr/bin/env bash
# chroot.sh make SUITE [PACKAGE ...]
# chroot.sh run  SUITE COMMAND ...
# chroot.sh try  SUITE COMMAND ...
# chroot.sh dir  SUITE
#
# A small Debian of another suite (bookworm, trixie, sid) in a directory, to
# build and test in. As root only.
#
#   make   makes it where there is none (debootstrap), and installs packages
#   run    runs a command in it; what the command changes stays
#   try    the same on top of it: what the command changes is thrown away
#   dir    says where it is
#
# The mirror is the one that this machine's apt uses, with its proxies and its
# passwords; the Release files' signatures are checked with this machine's keys
# of Debian, by debootstrap and by apt. A suite whose key is not known here is
# not made.
#
# A command has mounts, processes and shared memory of its own, and the
# machine's network, or none. All its processes and mounts are gone when it
# ends, or when chroot.sh is ended. No service is started by a package that is installed.
#
#   JAMHOOK_CHROOTS=dir     where the directories are; build/chroot
#   CHROOT_TMP=dir          a directory that "run" and "try" show as /mnt
#   CHROOT_NET=no           a loopback interface of its own, and nothing else

set -eu

top=$(cd "$(dirname "$0")/../.." && pwd -P)
chroots=${JAMHOOK_CHROOTS:-$top/build/chroot}
keys=/usr/share/keyrings/debian-archive-keyring.gpg
path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

fail()
{
    echo "chroot.sh: $*" >&2
    exit 1
}

if [ $# -lt 2 ]; then
    sed -n '2,5s/^# *//p' "$0" >&2
    exit 2
fi

what=$1
suite=$2
shift 2

case $suite in
    *[!a-z0-9-]* | "") fail "\"$suite\" is no name of a suite" ;;
esac

case $chroots in
    /*) ;;
    *)  chroots=$PWD/$chroots ;;
esac

root=$chroots/$suite

if [ "$what" = dir ]; then
    echo "$root"
    exit 0
fi

[ "$(id -u)" = 0 ] || fail "needs root, for chroot and mounts"


# where this machine has Debian from
mirror()
{
    local code

    code=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")

    apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' \
            2> /dev/null \
    | awk -v c="$code" '
          $2 == "main" && ($1 == c || $1 == "sid" || $1 == "unstable") {
              print ($1 == c ? 0 : 1), $3
          }' \
    | sort -u | sed -n '1s/^[01] //p'
}


# this machine's way to its mirror: proxies, time-outs, certificates. What would
# let apt do with less than a good signature is not taken along.
apt_settings()
{
    apt-config dump \
    | grep -E '^Acquire::(http|https|ftp|Retries|ForceIPv|Check-)' \
    | grep -vE ' "";$' || :

    echo 'Acquire::Languages "none";'
    echo 'APT::Install-Recommends "false";'
}


# apt's passwords, for debootstrap's wget; a .netrc has no path and no scheme
netrc()
{
    cat /etc/apt/auth.conf /etc/apt/auth.conf.d/*.conf 2> /dev/null \
    | sed -E 's#(machine +)[a-z+]+://#\1#; s#(machine +[^ /]+)/[^ ]*#\1#' || :
}


bootstrap()
{
    local from made=$root.new home rc=0 proxy

    command -v debootstrap > /dev/null || fail "no debootstrap here:" \
        "apt-get install --no-install-recommends debootstrap"
    [ -s $keys ] || fail "no $keys here: debian-archive-keyring"

    from=$(mirror)
    [ -n "$from" ] || fail "this machine's apt knows no mirror of Debian"

    mkdir -p "$chroots"
    rm -rf --one-file-system "$made"

    home=$(mktemp -d)
    chmod 700 "$home"
    (umask 077; netrc > "$home/.netrc")

    proxy=$(apt-config dump | sed -n \
                's/^Acquire::http::Proxy "\(.*\)";$/\1/p' | tail -n 1)
    [ -z "$proxy" ] || export http_proxy=$proxy https_proxy=$proxy

    echo "making $root"

    # in a namespace too: what debootstrap mounts goes with it
    HOME=$home contained debootstrap --variant=minbase --force-check-gpg \
        --keyring=$keys "$suite" "$made" "$from" > "$root.log" 2>&1 || rc=$?

    rm -rf "$home"

    if [ $rc != 0 ]; then
        tail -n 5 "$root.log" "$made/debootstrap/debootstrap.log" >&2 || :
        fail "debootstrap of $suite failed, see $root.log"
    fi

    apt_settings > "$made/etc/apt/apt.conf.d/10jamhook"

    {
        echo "deb [signed-by=$keys] $from $suite main"
        echo "deb-src [signed-by=$keys] $from $suite main"
    } > "$made/etc/apt/sources.list"

    # the machine's own, as long as what is in this Debian does not have it
    [ -e "$made$keys" ] || install -D -m 644 $keys "$made$keys"

    (
        umask 077
        for file in /etc/apt/auth.conf /etc/apt/auth.conf.d/*.conf; do
            [ ! -f "$file" ] || cp "$file" "$made$file"
        done
    )

    # no service starts here
    printf '%s\n' '#!/bin/sh' 'exit 101' > "$made/usr/sbin/policy-rc.d"
    chmod 755 "$made/usr/sbin/policy-rc.d"

    mv "$made" "$root"
}


# a command in namespaces of its own; ended with us, with all it has started
contained()
{
    local pid rc net=

    [ "${CHROOT_NET:-}" != no ] || net=--net

    setpriv --pdeathsig KILL \
        unshare --mount --pid --ipc --uts --fork --kill-child \
                --propagation private $net -- "$@" <&0 &
    pid=$!

    # unshare itself does not listen to them
    trap 'kill -KILL $pid 2> /dev/null; exit 143' TERM HUP INT

    while :; do
        rc=0
        wait "$pid" || rc=$?
        kill -0 "$pid" 2> /dev/null || break
    done

    trap - TERM HUP INT
    return $rc
}


# Runs in the namespaces, in a shell that stays: it is the process 1 there, and
# takes what its children leave behind.
inside='
set -e
root=$1 how=$2 show=$3 net=$4
shift 4

[ "$net" != no ] || ip link set lo up

if [ "$how" = try ]; then
    mount -t tmpfs -o mode=755 try "$root.try"
    mkdir "$root.try/over" "$root.try/work" "$root.try/root"
    mount -t overlay -o \
        "lowerdir=$root,upperdir=$root.try/over,workdir=$root.try/work" \
        try "$root.try/root"
    root=$root.try/root
fi

mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount -t tmpfs -o nosuid,mode=755 dev "$root/dev"

for node in null zero full random urandom tty; do
    : > "$root/dev/$node"
    mount --bind "/dev/$node" "$root/dev/$node"
done

mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=666,mode=620 devpts "$root/dev/pts"
mount -t tmpfs -o nosuid,nodev,mode=1777 shm "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
ln -s /proc/self/fd/0 "$root/dev/stdin"
ln -s /proc/self/fd/1 "$root/dev/stdout"
ln -s /proc/self/fd/2 "$root/dev/stderr"
mount -t tmpfs -o ro,nosuid,nodev,noexec sys "$root/sys"
[ -z "$show" ] || mount --bind "$show" "$root/mnt"

set +e
chroot "$root" "$@"
exit $?
'

run()
{
    local how=$1
    shift

    [ -d "$root/etc" ] || fail "no $root: chroot.sh make $suite"
    [ "$how" = run ] || mkdir -p "$root.try"

    # who knows which name here, and where the mirror is
    cp -L /etc/resolv.conf /etc/hosts "$root/etc/" 2> /dev/null || :

    contained sh -c "$inside" chroot.sh "$root" "$how" "${CHROOT_TMP:-}" \
        "${CHROOT_NET:-}" env -i PATH="$path" HOME=/root LANG=C.UTF-8 \
        TERM="${TERM:-dumb}" "$@"
}


# What is asked for and is not there. A chroot whose lists are of another day
# gets new ones, and all its packages' newest versions, first.
packages()
{
    run run sh -c '
        export DEBIAN_FRONTEND=noninteractive
        stamp=/var/lib/apt/jamhook-updated

        if [ -z "$(find $stamp -mtime -1 2> /dev/null)" ]; then
            apt-get -qq update || exit 1
            apt-get -qq -y -o Dpkg::Use-Pty=0 dist-upgrade || exit 1
            : > $stamp
        fi

        want=
        for package; do
            case $(dpkg-query -W -f "\${db:Status-Status}" $package \
                       2> /dev/null) in
                installed) ;;
                *) want="$want $package" ;;
            esac
        done

        [ -n "$want" ] || exit 0
        echo "installing$want"
        apt-get -qq -y -o Dpkg::Use-Pty=0 --no-install-recommends \
            install $want || exit 1
        apt-get clean
    ' sh "$@" < /dev/null >> "$root.log" 2>&1 \
    || { tail -n 20 "$root.log" >&2
         fail "could not install in $suite, see $root.log"; }
}


case $what in

    make)
        mkdir -p "$chroots"

        # one at a time makes or changes it
        exec 9> "$root.lock"
        flock 9

        unset CHROOT_NET
        [ -d "$root" ] || bootstrap
        packages "$@" 9>&-
    ;;

    run | try)
        [ $# -gt 0 ] || fail "no command"
        run "$what" "$@"
    ;;

    *)
        fail "what is \"$what\"?"
    ;;

esac
