# Shared by `.ci/lint`, `.ci/test`, `.ci/e2e` and `.ci/nightly`: source this file. The working directory becomes the repository.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-never} CARGO_INCREMENTAL=0 RUST_BACKTRACE=1
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")

step() { printf '\n== %s (%s s)\n' "$*" "$SECONDS"; }

has() {
    if [[ $1 == /* ]]; then [[ -e $1 ]]; else command -v "$1" > /dev/null; fi
}

# need WHAT PACKAGE..: installs Debian packages unless WHAT, a program or a file, exists. Fails if it still does not.
need() {
    local what=$1
    shift
    has "$what" || debian "$what" "$@"
    has "$what" || { echo "missing: $what. Install it, and run this again" >&2 && exit 1; }
}

# debian WHAT PACKAGE..: installs Debian packages.
debian() {
    local what=$1 root=()
    shift
    [[ $EUID -eq 0 ]] || root=(sudo)
    echo "missing: $what. Installing it: ${root[*]:+sudo }apt-get install $*"
    command -v apt-get > /dev/null || { echo "there is no apt-get: install $what by hand" >&2 && exit 1; }
    "${root[@]}" apt-get update -qq
    DEBIAN_FRONTEND=noninteractive "${root[@]}" apt-get install -y -qq --no-install-recommends "$@" > /dev/null
}

# The targets of services and of clients.
need_targets() {
    local installed name
    installed=$(rustup target list --installed)
    for name in wasm32-wasip1 wasm32-unknown-unknown; do
        grep -qx "$name" <<< "$installed" || rustup target add "$name"
    done
}

# Python with `venv`, which Debian packages apart from it.
need_python() {
    need python3 python3 python3-venv
    python3 -c 'import ensurepip' 2> /dev/null || debian "Python's venv" python3-venv
}
