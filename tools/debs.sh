# shellcheck shell=bash
# Debian packages as mere files, for shell scripts to source. Nothing is installed and any user may; the architecture must be
# known to apt (dpkg --add-architecture i386 && apt-get update).

# debs_apt ARGUMENTS...: apt-get for a system of i386 on which nothing is installed yet; its packages go to deb/ here
debs_apt()
{
    mkdir -p deb/partial
    apt-get -q -o Dir::State::status=/dev/null -o APT::Architecture=i386 -o APT::Architectures::=i386 \
        -o Debug::NoLocking=1 -o Dir::Cache::archives="$PWD/deb/" -o APT::Sandbox::User="$(id -un)" --no-install-recommends -y "$@"
}

# debs_get PACKAGE DIRECTORY: that i386 package's files to there, without what it depends on
debs_get()
{
    [ -e "deb/.$1" ] && return
    mkdir -p deb "$2"
    (cd deb && apt-get download -q "$1:i386" >/dev/null 2>&1) ||
        { echo "fetch: cannot download the package $1:i386" >&2; return 1; }
    dpkg -x deb/"$1"_*.deb "$2" && touch "deb/.$1"
}

# debs_kernel MODULES...: Debian's kernel for a 686 as vmlinuz; with names, its modules of these names and those they need in
# modules/, where the file "order" has them in the order of loading
debs_kernel()
{
    [ -e vmlinuz ] && { [ $# = 0 ] || [ -e modules/order ]; } && return
    local kernel m
    kernel=$(apt-cache depends linux-image-686:i386 | sed -n 's/^ *Depends: \(linux-image-[^:]*\).*/\1/p' | head -1)
    [ -n "$kernel" ] ||
        { echo "fetch: no package linux-image-686:i386; dpkg --add-architecture i386?" >&2; return 1; }
    debs_get "$kernel" kernel || return
    cp kernel/boot/vmlinuz-* vmlinuz
    if [ $# != 0 ]; then
        mkdir -p modules
        : >modules/order
        for m; do debs_module "$m" || return; done
    fi
    rm -rf kernel "deb/$kernel"_*.deb "deb/.$kernel"
}

debs_module() # NAME, after those it depends on
{
    local file other
    grep -qx "${1//-/_}" modules/order && return
    # a module's file may have - for _ in its name
    file=$(find kernel/lib/modules -name "$(sed 's/[-_]/[-_]/g' <<<"$1").ko" | head -1)
    [ -n "$file" ] || { echo "fetch: the kernel has no module $1" >&2; return 1; }
    for other in $(tr '\0' '\n' <"$file" | LC_ALL=C sed -n 's/^depends=//p' | tr , ' '); do
        debs_module "$other" || return
    done
    cp "$file" "modules/${1//-/_}.ko"
    echo "${1//-/_}" >>modules/order
}
