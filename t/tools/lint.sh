#!/usr/bin/env bash
# lint.sh [clang-tidy|cppcheck|gcc] ...
#
# Static analysis of all C files of the repository, each by the command line
# that it is compiled with: by clang-tidy, cppcheck and gcc's -fanalyzer, or by
# those that are named. Ends with a table, and not zero if there is a finding.
# What tools say that is not to be mended stands in lint/suppressed, with why.
#
#   T="..."    only these files, for instance src/base/*.c
#   JOBS=2     files at once
#
# What each tool said of a file stays in build/lint/TOOL. For tests of this:
#
#   LINT_DIR=dir   instead of build/lint
#   LINT_SUPPRESSED=file   instead of lint/suppressed

set -eu

unset WERROR SANITIZE COVERAGE CC CFLAGS LDFLAGS

top=$(cd "$(dirname "$0")/../.." && pwd -P)
cd "$top"

here=$top/t/tools/lint
dir=${LINT_DIR:-$top/build/lint}
jobs=${JOBS:-$(nproc)}

[ $# != 0 ] || set -- clang-tidy cppcheck gcc

mkdir -p "$dir"
dir=$(cd "$dir" && pwd -P)
export LINT_DIR=$dir


# The command lines: the module's out of nginx's makefile, the others by a
# compiler that notes what it is called with. A C file that none of them names
# is taken as a unit test's is.

t/tools/build.sh module build > "$dir/build.out" 2>&1 \
    || { cat "$dir/build.out" >&2; exit 1; }

src=${NGINX_SRC:-/usr/share/nginx/src}
tree=$src
[ -f "$src/conf_flags" ] || tree=$top/build/tree

rm -rf "$dir/noted" "$dir/tool" "$dir/unit" "$dir/fuzz"
mkdir "$dir/noted"

make -nB -C "$tree" -f "$top/build/objs/Makefile" modules \
    > "$dir/noted/module" 2> "$dir/build.out" \
    || { cat "$dir/build.out" >&2; exit 1; }

inc="-I $top/build/objs"

for part in core event event/modules event/quic os/unix http http/modules \
            http/v2 http/v3
do
    inc="$inc -I $src/src/$part"
done

export NOTED
NOTED=$dir/noted/tool
CC=$here/cc.sh WERROR=1 t/tools/tool.sh "$dir/tool" build/objs > "$dir/build.out"

NOTED=$dir/noted/unit
CC=$here/cc.sh NGX_INC=$inc t/unit/build.sh "$dir/unit" > "$dir/build.out"

NOTED=$dir/noted/fuzz
CC=$here/cc.sh NGX_INC=$inc t/fuzz/build.sh "$dir/fuzz" > "$dir/build.out"

# shellcheck disable=SC2086
"$here/commands.pl" "$tree" ${T:-} > "$dir/compile_commands.json"

if [ -n "${T:-}" ]; then which=some; else which=all; fi

exec "$here/findings.pl" "$jobs" $which "$@"
