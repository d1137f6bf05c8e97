#!/usr/bin/env bash
# stop.sh: ends what "make run" started. Its keys and its store stay.

set -u

top=$(cd "$(dirname "$0")/../.." && pwd -P)
run=${RUN_DIR:-$top/build/run}

# only a process whose command line has our directory or script in it
end()
{
    local pid i

    pid=$(cat "$run/$1" 2> /dev/null) || return 0

    if [ -n "$pid" ] && tr '\0' ' ' < "/proc/$pid/cmdline" 2> /dev/null \
                        | grep -qF -- "$2"
    then
        kill -s "$3" "$pid"

        for i in $(seq 200); do
            kill -0 "$pid" 2> /dev/null || break
            [ "$i" != 150 ] || kill -s TERM "$pid"
            sleep 0.1
        done

        echo "stopped $4 (process $pid)"
    fi

    rm -f "$run/$1"
} 2> /dev/null

end nginx.pid "$run" QUIT nginx
end standin.pid standin.pl TERM "the stand-in"

exit 0
