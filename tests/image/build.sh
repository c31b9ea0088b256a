#!/usr/bin/env bash
# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Build the test image of a Debian suite, unless it is there and was built from the same inputs: build.sh SUITE
# The base is made here from Debian's archive. Where a registry can be reached, it may come from there:
#   BASE_IMAGE_bookworm=docker.io/library/debian:bookworm BASE_IMAGE_trixie=docker.io/library/debian:trixie
set -euo pipefail
suite=$1
here=$(cd "$(dirname "$0")" && pwd)
image=localhost/mailops-test:$suite
variable=BASE_IMAGE_$suite
base=${!variable:-}

inputs=$(cat "$here/Containerfile" "$here/build.sh" <(echo "$base") | sha256sum | cut -c1-16)
built_from=$(podman image inspect --format '{{ index .Labels "mailops.inputs" }}' "$image" 2>/dev/null || true)
if [ "$built_from" = "$inputs" ]; then
    exit
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    as_root=(sudo -n)
fi
if [ -z "$base" ]; then
    base=localhost/mailops-base:$suite
    if ! podman image exists "$base"; then
        echo "setup: base image $base from Debian's archive (about half a minute)"
        archive=$(mktemp --suffix=.tar)
        trap 'rm -f "$archive"' EXIT
        for try in 1 2 3; do
            if timeout 600 "${as_root[@]}" mmdebstrap --quiet --variant=minbase --aptopt='Acquire::Retries "3"' \
                --aptopt='Acquire::http::Timeout "30"' "$suite" - >"$archive"; then
                break
            fi
            echo "setup: mmdebstrap $suite failed (try $try of 3)" >&2
            if [ "$try" -eq 3 ]; then
                exit 1
            fi
        done
        podman import --quiet "$archive" "$base" >/dev/null
    fi
fi

echo "setup: test image $image (about one minute)"
log=$(mktemp)
if ! timeout 1200 podman build --build-arg "BASE=$base" --label "mailops.inputs=$inputs" --tag "$image" "$here" >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    echo "setup: the image $image could not be built; the whole log is $log" >&2
    exit 1
fi
rm -f "$log"
