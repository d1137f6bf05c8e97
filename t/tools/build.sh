#!/usr/bin/env bash
# build.sh module|static DIR
#
# Configures (where something it depends on has changed) and makes the dynamic
# module DIR/ngx_http_jamhook_module.so, or DIR/nginx with the module inside.
#
#   NGINX_SRC     a plain nginx source tree; else the one of nginx-dev
#   NGINX_CONF    more options for nginx's configure
#   CC, CFLAGS, LDFLAGS
#   WERROR=1      -Wall -Wextra -Werror
#   SANITIZE=...  "address,undefined" or so; what they find ends nginx, but
#                 with RECOVER=1 undefined behaviour is only reported
#   COVERAGE=1    gcov
#   JAMHOOK_PGSQL=no  without PostgreSQL, though libpq is there

set -eu

kind=$1
mkdir -p "$2"
dir=$(cd "$2" && pwd -P)
top=$(cd "$(dirname "$0")/../.." && pwd -P)
packaged=/usr/share/nginx/src

src=${NGINX_SRC:-$packaged}
cc=${CC:-cc}
opt="-O2 -g -fstack-protector-strong -Wformat -Wformat-security"
ldopt="-Wl,-z,relro -Wl,-z,now"

# nginx's own flags come first: they have -Werror and -Wno-unused-parameter

if [ -n "${WERROR:-}" ]; then
    opt="$opt -Wall -Wextra -Werror -Wno-unused-parameter"
else
    opt="$opt -Wno-error"
fi

if [ -n "${SANITIZE:-}" ]; then
    opt="$opt -O1 -fsanitize=$SANITIZE -fno-sanitize-recover=all"
    opt="$opt -fno-omit-frame-pointer"
    [ -z "${RECOVER:-}" ] || opt="$opt -fsanitize-recover=undefined"
    ldopt="$ldopt -fsanitize=$SANITIZE"
else
    opt="$opt -D_FORTIFY_SOURCE=2"
fi

if [ -n "${COVERAGE:-}" ]; then
    opt="$opt -O0 -U_FORTIFY_SOURCE --coverage"
    ldopt="$ldopt --coverage"
fi

opt="$opt ${CFLAGS:-}"
ldopt="$ldopt ${LDFLAGS:-}"

if [ ! -d "$src/auto" ]; then
    echo "build.sh: no nginx source in $src (set NGINX_SRC=dir, or install" \
         "nginx-dev)" >&2
    exit 1
fi

src=$(cd "$src" && pwd -P)

case "$dir$top$src" in
    *[[:space:]]*)
        echo "build.sh: nginx's configure takes no path with a space" >&2
        exit 1
    ;;
esac

if [ "$kind" = static ]; then
    addon=--add-module=$top
    set -- --prefix="$dir/prefix"
else
    addon=--add-dynamic-module=$top
    set --
fi

if [ -f "$src/conf_flags" ]; then
    # Debian's: what its nginx was configured with, made for building here
    tree=$src
    NGX_CONF_FLAGS=()
    . "$src/conf_flags"
    set -- "${NGX_CONF_FLAGS[@]}" "$@"

else
    # nginx's configure writes a Makefile into its own tree: give it another
    tree=$dir/tree
    set -- --with-compat --with-debug --with-threads \
           --with-http_ssl_module --with-http_v2_module \
           --with-http_realip_module --with-http_auth_request_module \
           --with-http_addition_module --with-http_sub_module \
           --with-http_slice_module --with-http_stub_status_module "$@"

    # since 1.25
    [ ! -d "$src/src/http/v3" ] || set -- --with-http_v3_module "$@"
fi

# shellcheck disable=SC2206
set -- "$@" --with-cc="$cc" --with-cc-opt="$opt" --with-ld-opt="$ldopt" \
       ${NGINX_CONF:-} --builddir="$dir/objs" "$addon"

want=$(printf '%s\n' "$src" "$@"
       cksum "$top/config" "$src/src/core/nginx.h" "$src/conf_flags" \
             2>/dev/null || true

       # libpq may come or go
       echo "PostgreSQL: ${JAMHOOK_PGSQL:-}"
       cksum /usr/include/libpq-fe.h /usr/include/postgresql/libpq-fe.h \
             "$(pg_config --includedir 2>/dev/null)/libpq-fe.h" \
             2>/dev/null || true

       (cd "$top" && ls src/*.h src/*/*.[ch] 2>/dev/null))

if [ "$(cat "$dir/configured" 2>/dev/null)" != "$want" ]; then
    rm -rf "$dir/objs" "$dir/tree" "$dir/configured"

    if [ "$tree" != "$src" ]; then
        mkdir "$dir/tree"
        ln -s "$src"/* "$dir/tree/"
        rm -f "$dir/tree/Makefile"
        [ -e "$tree/configure" ] || ln -s auto/configure "$tree/configure"
    fi

    echo "configuring nginx $(sed -n 's/^#define NGINX_VERSION *"\(.*\)"/\1/p' \
         "$src/src/core/nginx.h") in ${dir#"$top"/}"

    if ! (cd "$tree" && ./configure "$@") > "$dir/configure.log" 2>&1; then
        sed -n '/error:/,$p' "$dir/configure.log" >&2
        echo "build.sh: configure failed, see $dir/configure.log" >&2
        exit 1
    fi

    printf '%s\n' "$want" > "$dir/configured"
fi

if [ "$kind" = static ]; then
    goal=binary
    made=$dir/objs/nginx
else
    goal=modules
    made=$dir/objs/ngx_http_jamhook_module.so
fi

# nginx's makefile has no rule that makes a failed compilation quiet: what the
# compiler says goes out, the command lines stay in make.log

unset MAKEFLAGS MFLAGS MAKELEVEL

if ! make -C "$tree" -f "$dir/objs/Makefile" -j "$(nproc)" "$goal" \
     > "$dir/make.log" 2> "$dir/make.err"
then
    cat "$dir/make.err" >&2
    exit 1
fi

cat "$dir/make.err" >&2

if ! cmp -s "$made" "$dir/${made##*/}"; then
    # a running nginx has the old one mapped: never written in place
    cp "$made" "$dir/${made##*/}.new"
    mv "$dir/${made##*/}.new" "$dir/${made##*/}"
    echo "built ${dir#"$top"/}/${made##*/}"
fi
