#!/usr/bin/env bash
# run.sh: starts nginx with the module, its store and a stand-in for Intercom,
# sends Jam's sample event and shows what arrived. PORT and STANDIN_PORT may be
# set. The keys and the store stay from run to run; "make clean" removes them.

set -eu

top=$(cd "$(dirname "$0")/../.." && pwd -P)
run=${RUN_DIR:-$top/build/run}
port=${PORT:-8090}
standin_port=${STANDIN_PORT:-8091}
nginx=${NGINX:-$(PATH=$PATH:/usr/sbin command -v nginx)}

"$top/t/tools/stop.sh"
mkdir -p "$run"

say_busy()
{
    echo "port $1 is taken; choose another:  make run $2=<port>" >&2
    exit 1
}

busy() { (exec 3<> "/dev/tcp/127.0.0.1/$1") 2> /dev/null; }

if [ "$port" = "$standin_port" ]; then say_busy "$port" STANDIN_PORT; fi
if busy "$port"; then say_busy "$port" PORT; fi
if busy "$standin_port"; then say_busy "$standin_port" STANDIN_PORT; fi

for name in jam fin; do
    if [ ! -s "$run/$name.key" ]; then
        (umask 077
         echo "whsec_$(openssl rand -base64 32)" > "$run/$name.key")
    fi
done

# nginx drops root's rights; where www-data cannot reach this directory, for
# the store and for large bodies, it has to keep them

user=
if [ "$(id -u)" = 0 ]; then
    worker=root

    if id -u www-data > /dev/null 2>&1 \
       && setpriv --reuid www-data --regid www-data --clear-groups \
                  test -x "$run" 2> /dev/null
    then
        worker=www-data
    fi

    user="user $worker;"

    # the run before may have had another one
    [ ! -d "$run/store" ] || chown -R "$worker" "$run/store"
fi

echo "$port" > "$run/port"

url=http://127.0.0.1:$standin_port/workflows/webhooks/wait-for-jam

cat > "$run/nginx.conf" << END
load_module $top/build/ngx_http_jamhook_module.so;

$user
worker_processes 1;
pid $run/nginx.pid;
error_log $run/error.log info;

events {
}

http {
    jamhook_store sqlite:$run/store;

    log_format jam '\$time_iso8601 \$status \$jamhook_result '
                   '\$jamhook_type \$jamhook_id';
    access_log $run/access.log jam;

    client_body_temp_path $run/temp-body;
    proxy_temp_path       $run/temp-proxy;
    fastcgi_temp_path     $run/temp-fastcgi;
    uwsgi_temp_path       $run/temp-uwsgi;
    scgi_temp_path        $run/temp-scgi;

    server {
        listen 127.0.0.1:$port;

        # the URL that Jam would be given
        location = /jam {
            jamhook_pass    fin;
            jamhook_verify  $run/jam.key;
        }

        # the URL that was copied from the "Wait for Webhook" step
        location /fin {
            jamhook_endpoint   fin;
            jamhook_connector  intercom_fin;
            jamhook_sign       $run/fin.key;
            proxy_pass         $url;
        }

        location /jamhook/  { jamhook_portal; }
        location = /metrics { jamhook_metrics; allow 127.0.0.1; deny all; }
    }
}
END

# of the event that is refused at first; another one in each run

conversation=$(date +%s%N)

setsid perl "$top/t/run/standin.pl" "$standin_port" "$run" "$conversation" \
    < /dev/null > "$run/standin.out" 2>&1 &

for _ in $(seq 100); do
    [ ! -s "$run/standin.pid" ] || break
    sleep 0.05
done

if [ ! -s "$run/standin.pid" ]; then
    echo "the stand-in did not start:" >&2
    cat "$run/standin.out" >&2
    exit 1
fi

failed()
{
    echo "$1" >&2
    tail -n 20 "$run/error.log" >&2 || :
    "$top/t/tools/stop.sh" >&2
    exit 1
}

: > "$run/error.log"

"$nginx" -e "$run/error.log" -p "$run/" -c "$run/nginx.conf" \
    || failed "nginx did not start"

touch "$run/requests.json"
id=msg_$(openssl rand -hex 12)

echo
echo "Sending Jam's sample event to http://127.0.0.1:$port/jam"

answer=$(ID=$id "$top/t/run/send.sh") || failed "the event could not be sent"

echo
echo "Jam gets the answer ${answer##*$'\n'}"
echo
echo "    ${answer%$'\n'*}"

[ "${answer##*$'\n'}" = 200 ] || failed "the answer is not 200"

# the answer came when the event was on disk; its delivery follows

shown=
for _ in $(seq 100); do
    if shown=$(perl "$top/t/run/show.pl" "$run/requests.json" "$id"); then
        break
    fi
    sleep 0.05
done

[ -n "$shown" ] || failed "the stand-in for Intercom did not get the event"

delivered=
for _ in $(seq 100); do
    if delivered=$(grep -o "jamhook delivered: .*event: \"$id\"" \
                       "$run/error.log"); then
        break
    fi
    sleep 0.05
done

[ -n "$delivered" ] || failed "the delivery did not succeed"

# one that the stand-in does not take at once

sed "s/215470686832744/$conversation/" "$top/t/run/retried.json" \
    > "$run/retried.json"

answer=$(ID=msg_$(openssl rand -hex 12) \
             "$top/t/run/send.sh" "$run/retried.json") \
    || failed "the second event could not be sent"

[ "${answer##*$'\n'}" = 200 ] || failed "the second answer is not 200"

rel=${run#"$PWD"/}

cat << END

The stand-in for Intercom's "Wait for Webhook" step got

$shown

and nginx logs

    $delivered

A second event was sent, to which the stand-in answers 503 at first. Look at
both, and replay the second one by its button, in the portal:

    http://127.0.0.1:$port/jamhook/

nginx goes on serving: http://127.0.0.1:$port, process $(cat "$run/nginx.pid")
    configuration   $rel/nginx.conf
    keys            $rel/jam.key (Jam's), $rel/fin.key (ours)
    logs            $rel/access.log, $rel/error.log
    received        $rel/requests.json
    store           $rel/store/jamhook.db
    metrics         http://127.0.0.1:$port/metrics

Another event:      t/run/send.sh t/run/opted_out.json
In the terminal:    build/jamhook -s $rel/store status
To end it:          make stop (keys and store stay)
END
