#!/usr/bin/env bash
# nginx under the sanitizers' libraries or valgrind (JAMHOOK_UNDER), for the
# tests; what is found goes to $JAMHOOK_TMP/under.<pid>.

nginx=${JAMHOOK_REAL_NGINX:-nginx}
log=$JAMHOOK_TMP/under

if [ "$1" = -V ]; then
    exec "$nginx" "$@"
fi

case $JAMHOOK_UNDER in

    san | palloc)
        # a leak does not change nginx's exit status, the log tells of it
        export ASAN_OPTIONS="log_path=$log.asan,detect_odr_violation=0"
        ASAN_OPTIONS+=",fast_unwind_on_malloc=0"
        ASAN_OPTIONS+=${JAMHOOK_ASAN:+,$JAMHOOK_ASAN}
        export LSAN_OPTIONS="exitcode=0"
        export UBSAN_OPTIONS="log_path=$log.ubsan,print_stacktrace=1"
        export LD_PRELOAD=${JAMHOOK_PRELOAD:-}
        exec "$nginx" "$@"
    ;;

    valgrind)
        # faults, for nginx: valgrind itself is linked statically
        export LD_PRELOAD=${JAMHOOK_PRELOAD:-}
        exec valgrind -q --leak-check=full --show-leak-kinds=definite \
             --errors-for-leak-kinds=definite --num-callers=40 \
             --keep-debuginfo=yes \
             --log-file="$log.%p" "$nginx" "$@"
    ;;

esac

exec "$nginx" "$@"
