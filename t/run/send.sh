#!/usr/bin/env bash
# send.sh [FILE] [URL]: signs the event in FILE as Jam does (with the key that
# "make run" made) and sends it to the nginx of "make run", or to URL.
#
#   KEY=whsec_...  ID=msg_...   another key; the id of an event sent before

set -eu

top=$(cd "$(dirname "$0")/../.." && pwd -P)
run=${RUN_DIR:-$top/build/run}
file=${1:-$top/t/run/recorded.json}
url=${2:-http://127.0.0.1:$(cat "$run/port")/jam}
key=${KEY:-$(grep -v '^#' "$run/jam.key")}
id=${ID:-msg_$(openssl rand -hex 12)}
timestamp=$(date +%s)
body=$(mktemp)
trap 'rm -f "$body"' EXIT

# without its last newline
printf %s "$(cat "$file")" > "$body"

hex=$(printf %s "${key#whsec_}" | openssl base64 -d -A | od -An -v -tx1 \
      | tr -d ' \n')
signature=$({ printf '%s.%s.' "$id" "$timestamp"; cat "$body"; } \
            | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$hex" -binary \
            | openssl base64 -A)

# --noproxy: it stays on this machine
curl -sS --noproxy '*' --max-time 20 -w '\n%{http_code}\n' "$url" \
     -H 'content-type: application/json' \
     -H "svix-id: $id" \
     -H "svix-timestamp: $timestamp" \
     -H "svix-signature: v1,$signature" \
     --data-binary "@$body"
