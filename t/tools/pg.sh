#!/usr/bin/env bash
# pg.sh COMMAND ...
#
# Runs the command with a PostgreSQL server of its own: Debian's, run by an
# ordinary user, in a new directory of build/, on a free port of the loopback
# interface. JAMHOOK_PG says where: a URI of its superuser. What it keeps is not
# for long: it does without fsync.
#
# For scripts, which hold the server as long as they live:
#
#   . t/tools/pg.sh
#   pg_start build/pg      a new server in that directory, exports JAMHOOK_PG
#   pg_stop build/pg       ends it, removes the directory
#
# A server ends with the process that has called pg_start, also by kill -9.

# where initdb and postgres are: the newest
pg_bindir()
{
    local dir

    for dir in $(ls -d /usr/lib/postgresql/*/bin 2> /dev/null | sort -rV) \
               "$(pg_config --bindir 2> /dev/null || :)" \
               "$(dirname "$(command -v postgres || echo /none/postgres)")"
    do
        if [ -x "$dir/initdb" ] && [ -x "$dir/postgres" ]; then
            echo "$dir"
            return 0
        fi
    done

    echo "pg.sh: no PostgreSQL server (t/tools/deps.sh test)" >&2
    return 1
}

# a directory that the server's user can reach, and where a socket's name is
# not too long: below the one that is asked for, else one of /tmp
pg_place()
{
    mkdir -p "$1"
    chmod 755 "$1"

    if [ ${#1} -le 80 ] && "${pg_as[@]}" test -x "$1"; then
        echo "$1"
    else
        mktemp -d /tmp/jamhook-pg.XXXXXX
    fi
}

pg_start()
{
    local bin dir place port try i
    local -a pg_as=(setpriv)

    bin=$(pg_bindir) || return 1

    rm -rf "$1"
    mkdir -p "$1"
    dir=$(cd "$1" && pwd -P)

    # the server refuses to run as root
    if [ "$(id -u)" = 0 ]; then
        pg_as+=("--reuid=$(id -u nobody)" "--regid=$(id -g nobody)"
                --clear-groups)
    fi

    place=$(pg_place "$dir") || return 1
    echo "$place" > "$dir/place"
    mkdir -p "$place/data"
    chmod 755 "$place"
    [ "$(id -u)" != 0 ] || chown -R nobody "$place"

    if ! (cd / && "${pg_as[@]}" "$bin/initdb" --no-sync -A trust -U postgres \
              -E UTF8 --locale=C -D "$place/data") > "$dir/initdb.log" 2>&1
    then
        cat "$dir/initdb.log" >&2
        return 1
    fi

    cat >> "$place/data/postgresql.conf" << END
listen_addresses = '127.0.0.1'
unix_socket_directories = '$place'
max_connections = 300
shared_buffers = 64MB
fsync = off
full_page_writes = off
min_wal_size = 64MB
checkpoint_timeout = 1d
log_line_prefix = '%m [%p] %d '
log_timezone = 'UTC'
timezone = 'UTC'
END

    # who is of this role says who he is
    cat > "$place/data/pg_hba.conf" << END
local all +secretive scram-sha-256
host all +secretive 127.0.0.1/32 scram-sha-256
local all all trust
host all all 127.0.0.1/32 trust
END

    for try in 1 2 3 4 5; do
        port=$((RANDOM % 20000 + 12000))

        (cd / && exec "${pg_as[@]}" --pdeathsig=QUIT -- "$bin/postgres" \
             -D "$place/data" -p "$port") > "$dir/log" 2>&1 < /dev/null &
        echo $! > "$dir/pid"

        for ((i = 0; i < 300; i++)); do

            if ! kill -0 "$(cat "$dir/pid")" 2> /dev/null; then
                break
            fi

            if "$bin/psql" -h "$place" -p "$port" -U postgres -X -q \
                   -c 'CREATE ROLE secretive' postgres > /dev/null 2>&1
            then
                export JAMHOOK_PG="postgresql://postgres@127.0.0.1:$port/postgres"
                return 0
            fi

            sleep 0.1
        done

        # or the port was not free
        kill -QUIT "$(cat "$dir/pid")" 2> /dev/null || :
        wait "$(cat "$dir/pid")" 2> /dev/null || :
    done

    echo "pg.sh: postgres does not start:" >&2
    cat "$dir/log" >&2
    return 1
}

pg_stop()
{
    local pid

    pid=$(cat "$1/pid" 2> /dev/null) || return 0

    kill -QUIT "$pid" 2> /dev/null || :
    wait "$pid" 2> /dev/null || :

    rm -rf "$(cat "$1/place")" "$1"
}

# runs a command till it ends, or is to; its exit status, when nothing is left
pg_run()
{
    local pid rc

    # what is in the background would ignore an interrupt
    (trap - INT; exec "$@" < /dev/null) &
    pid=$!

    trap 'kill -TERM "$pid" 2> /dev/null' TERM HUP
    trap : INT

    # a signal ends the wait, not the command
    while :; do
        rc=0
        wait "$pid" || rc=$?
        kill -0 "$pid" 2> /dev/null || break
    done

    return $rc
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    set -eu

    pg_dir=$(cd "$(dirname "$0")/../.." && pwd -P)/build
    mkdir -p "$pg_dir"
    pg_dir=$(mktemp -d "$pg_dir/pg.XXXXXX")
    trap 'pg_stop "$pg_dir"' EXIT

    pg_start "$pg_dir"

    rc=0
    pg_run "$@" || rc=$?
    exit $rc
fi
