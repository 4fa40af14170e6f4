#!/bin/sh
# What the tests in a browser need beside Python: Chromium, and KaTeX from npm. Fails where Chromium cannot be had.
cd "$(dirname "$0")" || exit 1

browser() {
    test -n "$GRAPHAD_CHROMIUM" && return
    for name in chromium chromium-browser google-chrome google-chrome-stable; do
        command -v "$name" >/dev/null && return
    done
    return 1
}

if ! browser && command -v apt-get >/dev/null && test "$(id -u)" = 0; then
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium
fi
if ! browser; then
    echo "there is no Chromium, and it cannot be installed here: install it, or name it in GRAPHAD_CHROMIUM" >&2
    exit 1
fi
if command -v npm >/dev/null; then
    test -d node_modules/katex || npm install --no-audit --no-fund --no-package-lock --loglevel=error
fi || echo "KaTeX could not be installed: equations are not tried in it" >&2
