#!/bin/sh
# inside.sh: what deb.sh runs in a clean Debian, as root, with the packages of
# two versions in /mnt/1 and /mnt/2 and no network but a loopback of its own. It
# installs, upgrades, removes and purges them, while an nginx serves. Speaks TAP.

set -u

key=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
store=/var/lib/nginx/jamhook
module=ngx_http_jamhook_module.so
n=0
failed=0


# ok NAME COMMAND ...
ok()
{
    local name=$1
    shift
    n=$((n + 1))

    if "$@" > /tmp/said 2>&1; then
        echo "ok $n - $name"
    else
        echo "not ok $n - $name"
        sed 's/^/# /' /tmp/said
        failed=1
    fi
}

not() { ! "$@"; }
is() { echo "is \"$1\", should be \"$2\""; [ "$1" = "$2" ]; }

# soon COMMAND ...: it comes true within 20 s
soon()
{
    local i

    for i in $(seq 200); do
        "$@" > /dev/null 2>&1 && return 0
        sleep 0.1
    done

    "$@"
}

master() { cat /run/nginx.pid; }
maps() { cat "/proc/$(master)/maps" | grep -c "$module"; }
stale() { cat "/proc/$(master)/maps" | grep "$module.*(deleted)"; }
# deliveries in this state
state() { sqlite3 -readonly $store/jamhook.db \
              "select count(*) from deliveries where state = $1"; }
has() { is "$(state "$1")" "$2"; }
pids_differ() { is "$(master)" "$1" && return 1 || return 0; }
alone() { [ "$(pgrep -c -f 'nginx: master')" = 1 ]; }

send()
{
    RUN_DIR=/tmp KEY=$key ID=$1 bash /mnt/send.sh /mnt/recorded.json \
        http://127.0.0.1:8001/jam
}

stored() { send "$1" | tail -n 1 | grep -x 200; }

# all files, but those of dpkg itself, logs and what lies in memory
files()
{
    find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /run \
                    -o -path /mnt -o -path /tmp -o -path /var/log \
                    -o -path /var/cache -o -path '/var/lib/dpkg/*' \) -prune \
           -o -printf '%p %M %u %l\n' | sort
    find /var/lib/dpkg/info /var/lib/dpkg/triggers /var/lib/dpkg/alternatives \
        | sort
    dpkg-query -W | sort
}

conf=/etc/nginx/conf.d/jamhook-test.conf

write_conf()
{
    cat > $conf << END
jamhook_store  sqlite:$store;

server {
    listen 127.0.0.1:8001;

    location = /jam {
        jamhook_pass    e;
        jamhook_verify  /etc/nginx/jamhook/jam.key;
    }

    location = /e {
        jamhook_endpoint  e;
        jamhook_sign      off;
        jamhook_retry     $(for i in $(seq 64); do printf '500ms '; done);
        proxy_pass        http://127.0.0.1:8002/;
    }
}

server {
    listen 127.0.0.1:8002;
    access_log /var/log/nginx/target.log combined;

    location / {
        if (-f /run/open) { return 200; }
        return 503;
    }
}
END
}


ip link set lo up

# what starts or is told something here is in namespaces of its own
printf '%s\n' '#!/bin/sh' 'exit 0' > /usr/sbin/policy-rc.d

service nginx start > /dev/null 2>&1
ok 'nginx runs before' soon alone
ok '... and serves' soon curl -sf http://127.0.0.1/
files > /tmp/before


# install

ok 'the packages are installed' sh -c 'dpkg -i /mnt/1/*.deb'
ok 'their line is enabled' \
    grep -x 'load_module modules/ngx_http_jamhook_module.so;' \
    /etc/nginx/modules-enabled/50-mod-http-jamhook.conf
ok 'nginx takes it' nginx -t
ok 'the nginx that runs has it' soon sh -c \
    "grep -q $module /proc/\$(cat /run/nginx.pid)/maps"
ok 'there is a place for keys' test -d /etc/nginx/jamhook
ok 'the command line runs' sh -c 'jamhook --version | grep "^jamhook [0-9]"'
ok 'its page is there' test -s /usr/share/man/man1/jamhook.1.gz
ok 'an example is there' \
    test -s /usr/share/doc/libnginx-mod-http-jamhook/examples/example.conf
ok 'no store was made' not test -e $store

(umask 077; echo $key > /etc/nginx/jamhook/jam.key)
write_conf
ok 'a configuration with it' nginx -t
service nginx reload > /dev/null 2>&1
touch /run/open
ok 'an event is stored' soon stored one
ok '... and delivered' soon has 2 1
ok 'the store is its workers' \
    is "$(stat -c '%U %a' $store)" 'www-data 700'
ok 'the command line reads it' sh -c 'jamhook status | grep "^e "'


# upgrade, with deliveries that wait

rm -f /run/open
for id in two three four; do ok "$id is stored" stored $id; done
ok 'none of them is delivered' has 2 1
was=$(master)
ok 'an upgrade' sh -c 'dpkg -i /mnt/2/*.deb'
ok 'another nginx has taken over' pids_differ "$was"
ok '... with the new module' not stale
ok '... which it has' sh -c "[ $(maps) -gt 0 ]"
ok 'the old one ends' soon alone
ok 'the store is kept' has 2 1
touch /run/open
ok 'what waited is delivered' soon has 2 4
ok '... once each' is "$(grep -c '" 200 ' /var/log/nginx/target.log)" 4
ok 'an event after it' stored five
ok '... is delivered' soon has 2 5


# back, and an upgrade that cannot be

rm -f /run/open
ok 'six is stored' stored six
ok 'a step back' sh -c 'dpkg -i /mnt/1/*.deb'
ok 'the old one ends' soon alone
touch /run/open
ok 'what waited is delivered' soon has 2 6

echo 'no_such_directive;' >> $conf
was=$(master)
ok 'an upgrade beside a broken configuration' sh -c 'dpkg -i /mnt/2/*.deb'
ok '... leaves the nginx that runs' is "$(master)" "$was"
ok '... which goes on' stored seven
ok '... and delivers' soon has 2 7
sed -i '$d' $conf
ok 'the module it had' sh -c "stale() { cat /proc/$was/maps; }; stale \
    | grep '$module.*(deleted)'"


# remove, and purge

mv $conf /tmp/
rm /etc/nginx/jamhook/jam.key
service nginx reload > /dev/null 2>&1
ok 'removed' dpkg -r libnginx-mod-http-jamhook jamhook
ok 'nginx is well without it' nginx -t
ok '... and does not name it' sh -c '! nginx -T 2>&1 | grep -i jamhook'
ok '... and lets it go' soon sh -c \
    "! grep -q $module /proc/\$(cat /run/nginx.pid)/maps"
ok 'the store is kept' has 2 7

ok 'installed again' sh -c 'dpkg -i /mnt/2/*.deb'
ok 'enabled again' test -e /etc/nginx/modules-enabled/50-mod-http-jamhook.conf
mv /tmp/${conf##*/} $conf
(umask 077; echo $key > /etc/nginx/jamhook/jam.key)
ok 'nginx takes it' nginx -t
service nginx reload > /dev/null 2>&1
ok 'a repeat of an old event' soon sh -c \
    "RUN_DIR=/tmp KEY=$key ID=one bash /mnt/send.sh /mnt/recorded.json \
         http://127.0.0.1:8001/jam | grep duplicate"

rm $conf /etc/nginx/jamhook/jam.key
service nginx reload > /dev/null 2>&1
ok 'purged' dpkg -P libnginx-mod-http-jamhook jamhook
ok 'nginx is well' nginx -t
ok '... and serves' curl -sf http://127.0.0.1/
ok 'the store is gone' not test -e $store
files > /tmp/after
ok 'nothing is left' diff /tmp/before /tmp/after
ok 'nothing bad in its log' sh -c \
    '! grep -E "\[(alert|crit)\]" /var/log/nginx/error.log'

service nginx stop > /dev/null 2>&1
echo "1..$n"
exit $failed
