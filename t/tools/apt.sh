# Sourced: apt on the side. Package lists of other Debian suites, taken from the
# mirror that this machine already uses, in a directory of their own: the
# machine's sources, lists and pins stay as they are.
#
#   apt_side DIR TYPE SUITE      lists of SUITE (TYPE deb or deb-src) in DIR
#   apt_side_get DIR ...         apt-get with these lists

apt_side()
{
    local dir=$1 type=$2 suite=$3 code mirror release
    local keys=/usr/share/keyrings/debian-archive-keyring.gpg

    # apt drops to its own user for downloads, where it can
    chmod 755 "$dir"
    mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
    : > "$dir/status"

    code=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")

    # unstable bears the name of the release that it will be
    while read -r release mirror; do
        [ -n "$mirror" ] || continue
        [ -e $keys ] && type="$2 [signed-by=$keys]"

        echo "$type $mirror ${suite:-$release} main" > "$dir/sources.list"

        if apt_side_get "$dir" -qq update < /dev/null >> "$dir/log" 2>&1; then
            return 0
        fi
    done <<< "$(apt-get indextargets \
                    --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 2> /dev/null \
                | awk -v c="$code" '
                      $2 == "main" && $1 == c { print 0, $1, $3 }
                      $2 == "main" && ($1 == "sid" || $1 == "unstable") {
                          print 1, $1, $3
                      }' | sort -u | cut -d " " -f 2-)"

    echo "no Debian mirror with \"${suite:-$code}\" among this machine's apt" \
         "sources:" >&2
    cat "$dir/log" >&2 2>/dev/null || :

    return 1
}


apt_side_get()
{
    local dir=$1
    shift

    apt-get -o Dir::Etc::sourcelist="$dir/sources.list" \
            -o Dir::Etc::sourceparts=/dev/null \
            -o Dir::State::lists="$dir/lists" \
            -o Dir::State::status="$dir/status" \
            -o Dir::Cache="$dir/cache" \
            -o Acquire::Languages=none \
            -o Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false \
            "$@"
}
