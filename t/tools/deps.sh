#!/usr/bin/env bash
# deps.sh GROUP ...
#
# Sees to it that what the groups need is on this machine: Debian packages by
# name, and for "test" Test::Nginx, unpacked under build/perl, and promtool,
# under build/prometheus; for "bench" what we are measured against (rivals.sh),
# which "test" needs too, for it tries the benchmarks. Says nothing and changes
# nothing when all is there.
#
# Installing nginx would start it, on port 80. While packages are installed a
# policy-rc.d keeps that one service from being started or stopped (where the
# machine has a policy-rc.d of its own, that one decides); it goes away again.
# PostgreSQL's package would make a cluster, and start it on port 5432: a file in
# createcluster.d keeps it from that, for the same time.

set -eu

top=$(cd "$(dirname "$0")/../.." && pwd -P)
cd "$top"

packages=


# Debian's, where there is none
need_node()
{
    if ! command -v node > /dev/null; then
        packages="$packages nodejs npm"

    elif ! command -v npm > /dev/null; then
        packages="$packages npm"
    fi
}


# libFuzzer and the sanitizers of Debian's clang, in a package by its version
need_clang()
{
    local version

    version=$(apt-cache show --no-all-versions clang 2> /dev/null \
        | sed -n 's/^Depends:.*clang-\([0-9]*\).*/\1/p')
    packages="$packages clang libclang-rt-${version:-14}-dev"
}


for group; do
    case $group in

        build)
            packages="$packages build-essential libssl-dev libcjson-dev
                      libsqlite3-dev"
            [ "${JAMHOOK_PGSQL:-}" = no ] || packages="$packages libpq-dev"

            if [ -n "${NGINX_SRC:-}" ]; then
                packages="$packages libpcre2-dev zlib1g-dev"
            else
                packages="$packages nginx nginx-dev"
            fi
        ;;

        run)
            packages="$packages curl openssl perl procps"
        ;;

        test | matrix)
            packages="$packages clang curl git nginx openssl perl
                      procps libcryptx-perl libhttp-message-perl
                      libipc-run-perl liblist-moreutils-perl
                      libtest-base-perl libtest-longstring-perl
                      libdbd-pg-perl libtext-diff-perl liburi-perl libwww-perl
                      postgresql python3-jsonschema sqlite3 systemd
                      util-linux wrk"
            need_clang

            # for rooms that "make matrix" leaves out
            if [ $group = test ]; then
                packages="$packages chromium clang-tidy cppcheck gnuplot-nox
                          valgrind"
                need_node
            fi
        ;;

        page)
            need_node
        ;;

        fuzz)
            need_clang
        ;;

        lint)
            packages="$packages clang-tidy cppcheck perl"
        ;;

        valgrind)
            packages="$packages valgrind"
        ;;

        bench)
            packages="$packages gnuplot-nox nginx openssl perl procps
                      valgrind wrk libcryptx-perl libdbd-pg-perl postgresql
                      sqlite3"
            need_node
        ;;

        figures)
            packages="$packages chromium nginx openssl perl pngquant procps
                      libcryptx-perl sqlite3"
            need_node
        ;;

        profile)
            packages="$packages perl strace valgrind libcryptx-perl sqlite3"
        ;;

        source)
            packages="$packages build-essential libpcre2-dev zlib1g-dev"
        ;;

        deb)
            packages="$packages debhelper dpkg-dev nginx nginx-dev perl"
        ;;

        chroot)
            packages="$packages debootstrap iproute2 lintian"
        ;;

        packages)
            # what the script itself calls again, with sudo before it
            shift
            packages=$*
            break
        ;;

        *)
            echo "deps.sh: unknown group \"$group\"" >&2
            exit 2
        ;;

    esac
done


missing()
{
    local package

    for package in $packages; do
        case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) in
            installed) ;;
            *) echo "$package" ;;
        esac
    done | sort -u
}


install_packages()
{
    local policy=/usr/sbin/policy-rc.d added= made=
    local clusters=/etc/postgresql-common/createcluster.d

    export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1

    if [ ! -e $policy ]; then
        added=$policy

        cat > $policy << END
#!/bin/sh
# from jamhook's t/tools/deps.sh, for the time of one apt-get install
case "\$1" in
    nginx | nginx.service | postgresql | postgresql.service) exit 101 ;;
esac
exit 0
END
        chmod 755 $policy
    fi

    case " $* " in
        *" postgresql "*)
            [ -d $clusters ] || made=$clusters
            mkdir -p $clusters
            echo "create_main_cluster = false" > $clusters/zz-jamhook.conf
            added="$added $clusters/zz-jamhook.conf"
        ;;
    esac

    # shellcheck disable=SC2064
    trap "rm -f $added; rmdir $made 2> /dev/null || :" EXIT

    echo "installing" "$@"

    set -- -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 \
           -o DPkg::Lock::Timeout=300 install "$@"

    # a list that is too old, or none: apt-get update, and once more
    if ! apt-get "$@" < /dev/null > build/apt.log 2>&1; then
        if ! { apt-get -qq -o DPkg::Lock::Timeout=300 update \
               && apt-get "$@"; } < /dev/null > build/apt.log 2>&1
        then
            cat build/apt.log >&2
            return 1
        fi
    fi
}


mkdir -p build

if ! command -v dpkg-query > /dev/null; then
    # not Debian: nginx's configure and perl will say what they lack
    want=

elif ! want=$(missing); then
    exit 1
fi

if [ -n "$want" ]; then
    had_nginx=$(command -v nginx || :)

    if [ "$(id -u)" = 0 ]; then
        # shellcheck disable=SC2086
        if ! install_packages $want; then
            echo "could not install:" $want >&2
            exit 1
        fi

    elif command -v sudo > /dev/null; then
        # shellcheck disable=SC2086
        sudo "$0" packages $want

    else
        echo "missing Debian packages, to be installed as root:" >&2
        echo "    apt-get install --no-install-recommends" $want >&2
        exit 1
    fi

    case " $(echo $want) " in
        *" nginx "*)
            if [ -z "$had_nginx" ] && [ -d /run/systemd/system ]; then
                echo "nginx is installed, its service was not started; it" \
                     "will be at the next boot, unless you say:" \
                     "systemctl disable nginx"
            fi
        ;;
    esac
fi


# where they are not to be had the test of the benchmarks says so

case " $* " in
    *" bench "*) t/tools/rivals.sh ;;
    *" test "*) t/tools/rivals.sh || : ;;
esac

case " $* " in
    *" test "* | *" matrix "* | *" valgrind "*) ;;
    *) exit 0 ;;
esac


# promtool: a package of its own in newer Debians, before that of one that would
# bring a server and its service. Where it is not to be had, the test says so.

promtool_of()
{
    if ! (cd "$side" && apt-get -qq download "$1") 2> build/apt.log \
        && . t/tools/apt.sh && apt_side "$side" deb ""
    then
        (cd "$side" && apt_side_get "$side" -qq download "$1") \
            2> build/apt.log || :
    fi

    for deb in "$side"/"$1"_*.deb; do
        [ -e "$deb" ] || continue

        mkdir -p build/prometheus/usr/bin
        dpkg-deb --fsys-tarfile "$deb" \
            | tar -xf - -C build/prometheus ./usr/bin/promtool
    done
}

if ! command -v promtool > /dev/null \
    && [ ! -x build/prometheus/usr/bin/promtool ] \
    && command -v apt-get > /dev/null
then
    echo "unpacking promtool into build/prometheus"

    side=$(mktemp -d)
    chmod 755 "$side"

    if apt-cache show promtool > /dev/null 2>&1; then
        promtool_of promtool
    else
        promtool_of prometheus
    fi

    rm -rf "$side"
fi


# Test::Nginx: Debian has it in unstable only

export PERL5LIB=$top/build/perl/usr/share/perl5${PERL5LIB:+:$PERL5LIB}

if perl -MTest::Nginx::Socket::Lua -e 1 2> build/perl.err; then
    exit 0
fi

if command -v apt-get > /dev/null; then
    . t/tools/apt.sh

    side=$(mktemp -d)
    trap 'rm -rf "$side"' EXIT

    echo "unpacking Test::Nginx into build/perl"

    # one package of unstable, unpacked here, nothing else from there
    apt_side "$side" deb unstable
    (cd "$side/cache" && apt_side_get "$side" -qq download libtest-nginx-perl) \
        2> /dev/null
    rm -rf build/perl
    dpkg-deb -x "$side"/cache/libtest-nginx-perl_*.deb build/perl
fi

if ! perl -MTest::Nginx::Socket::Lua -e 1 2> build/perl.err; then
    cat build/perl.err >&2
    echo "Perl's Test::Nginx is missing; from CPAN:  cpan Test::Nginx" >&2
    exit 1
fi
