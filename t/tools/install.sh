#!/usr/bin/env bash
# install.sh: puts the module, its load_module line and an example where this
# machine's nginx looks for them, and the command line below PREFIX. It changes
# no configuration that serves: the example is not included, and nginx is not
# reloaded.
#
#   DESTDIR, MODULES_DIR, ETC_DIR, NGINX, PREFIX

set -eu

top=$(cd "$(dirname "$0")/../.." && pwd -P)
nginx=${NGINX:-$(PATH=$PATH:/usr/sbin command -v nginx || :)}
said=$([ -z "$nginx" ] || "$nginx" -V 2>&1)

configured() { printf '%s\n' "$said" | sed -n "s/.*--$1=\([^ ']*\).*/\1/p"; }

modules=${MODULES_DIR:-$(configured modules-path)}
etc=${ETC_DIR:-$(dirname "$(configured conf-path)")}
dest=${DESTDIR:-}
prefix=${PREFIX:-/usr/local}

if [ -z "$modules" ] || [ "$etc" = . ]; then
    echo "where does nginx keep its modules? make install MODULES_DIR=dir" \
         "ETC_DIR=dir" >&2
    exit 1
fi

if ! mkdir -p "$dest$modules" "$dest$etc" || [ ! -w "$dest$modules" ]; then
    echo "cannot write to $dest$modules: sudo make install?" >&2
    exit 1
fi

# by renaming: a running nginx has the old one mapped
install -m 644 "$top/build/ngx_http_jamhook_module.so" \
    "$dest$modules/ngx_http_jamhook_module.so.new"
mv "$dest$modules/ngx_http_jamhook_module.so.new" \
   "$dest$modules/ngx_http_jamhook_module.so"
echo "$dest$modules/ngx_http_jamhook_module.so"

line="load_module $modules/ngx_http_jamhook_module.so;"

if [ -d "$dest$etc/modules-enabled" ]; then
    # Debian's nginx.conf includes these
    file=$etc/modules-enabled/60-mod-http-jamhook.conf
    echo "$line" > "$dest$file"
    echo "$dest$file"
else
    echo "at the top of nginx.conf:  $line"
fi

# by renaming: one that follows the log may run
install -d -m 755 "$dest$prefix/bin" "$dest$prefix/share/man/man1"
install -m 755 "$top/build/jamhook" "$dest$prefix/bin/jamhook.new"
mv "$dest$prefix/bin/jamhook.new" "$dest$prefix/bin/jamhook"
echo "$dest$prefix/bin/jamhook"
install -m 644 "$top/src/tool/jamhook.1" "$dest$prefix/share/man/man1/"
echo "$dest$prefix/share/man/man1/jamhook.1"

# for the keys, and for the example (not a part of any configuration yet)
install -d -m 755 "$dest$etc/jamhook"
sed "s#/etc/nginx/jamhook#$etc/jamhook#" "$top/t/run/example.conf" \
    > "$dest$etc/jamhook/example.conf"
echo "$dest$etc/jamhook/example.conf"
