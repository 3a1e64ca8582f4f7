"""Getting Asterisk on Debian into a folder of ours, without touching the system.

The machine's own package sources say where the mirror is. apt reads Debian's unstable suite from
there into private folders, checks its signatures as it always does, and nothing is installed: the
packages are unpacked side by side, and Asterisk runs with the libraries that came with it.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from crossbar.switch.asterisk.program import ROOT, Missing, Program, fetched_in, find

SUITE = "sid"
TESTED = "22.10.1"
"""The version that these packages are of, and that the tests run with."""

PACKAGES = (
    *("asterisk", "asterisk-modules", "asterisk-core-sounds-en-gsm", "asterisk-moh-opsound-gsm"),
    *("libbrotli1", "libbsd0", "libc6", "libcap2", "libcom-err2", "libcrypt1", "libcurl4t64"),
    *("libedit2", "libgcc-s1", "libgsm1", "libgssapi-krb5-2", "libidn2-0", "libjansson4"),
    *("libk5crypto3", "libkeyutils1", "libkrb5-3", "libkrb5support0", "libldap2", "libmd0"),
    *("libnghttp2-14", "libnghttp3-9", "libngtcp2-16", "libngtcp2-crypto-ossl0", "libnspr4"),
    *("libnss3", "libopus0", "libpsl5t64", "libsasl2-2", "libsqlite3-0", "libsrtp2-1"),
    *("libssh2-1t64", "libssl3t64", "libstdc++6", "libsystemd0", "libtinfo6", "libunistring5"),
    *("liburiparser1", "libuuid1", "libxml2-16", "libxslt1.1", "libzstd1", "zlib1g"),
    *("libspandsp2t64", "libtiff6", "libdeflate0", "libjbig0", "libjpeg62-turbo", "liblerc4"),
    *("liblzma5", "libsharpyuv0", "libwebp7"),  # of these nine faxes are made
)
"""Asterisk and what those of its modules need that are loaded (:mod:`.files`)."""

INSTALL = (
    "Install Asterisk 20 or newer, so that `asterisk` is on the PATH: `apt install asterisk` on"
    " Ubuntu, `apk add asterisk asterisk-curl asterisk-srtp` on Alpine, `dnf install asterisk"
    " asterisk-pjsip asterisk-curl` on Fedora, `brew install asterisk` on macOS"
)
"""What to do where nothing can be fetched."""

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
UNREAD = ("doc", "man", "locale", "lintian", "doc-base")


def obtain(folder: Path, say: Callable[[str], None]) -> Program:
    """The Asterisk of this machine, which is fetched into the switch's folder if there is none.

    One that an older version has fetched, without what faxes need, is fetched anew; if that cannot
    be, it will do. Raises :class:`Missing`.
    """
    try:
        program = find(folder)
    except Missing:
        return fetch(folder / ROOT, say)
    if not program.is_fetched or program.can_fax:
        return program
    try:
        return fetch(folder / ROOT, say)
    except Missing as missing:
        say(f"No faxes: this Asterisk lacks what they need. {missing}")
        return program


def fetch(folder: Path, say: Callable[[str], None]) -> Program:
    """Asterisk in ``folder``, which is replaced as a whole; ``say`` is told what is going on.

    Raises :class:`Missing` where that cannot be, with what to do instead.
    """
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise Missing(f"fetching works on Debian only: there is no {tool} here. {INSTALL}")
    mirror = _mirror()
    if mirror is None:
        raise Missing(f"no mirror of Debian is among this machine's apt sources. {INSTALL}")
    folder = folder.absolute()
    work = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(work, ignore_errors=True)
    try:
        return _fetch(mirror, work, folder, say)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _fetch(mirror: str, work: Path, folder: Path, say: Callable[[str], None]) -> Program:
    options = _private_apt(mirror, work)
    host = urlsplit(mirror).hostname or mirror
    say(f"Reading what Debian {SUITE} has at {host} ...")
    _run("apt-get", *options, "-qq", "update", cwd=work)
    say(f"Fetching Asterisk, {len(PACKAGES)} packages of some 26 MB ...")
    packages = work / "packages"
    packages.mkdir()
    _run("apt-get", *options, "-qq", "download", *PACKAGES, cwd=packages)
    root = work / "root"
    for package in sorted(packages.glob("*.deb")):
        _run("dpkg-deb", "-x", str(package), str(root), cwd=work)
    for name in UNREAD:
        shutil.rmtree(root / "usr/share" / name, ignore_errors=True)
    fetched_in(root)  # or it stays as it was
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    root.rename(folder)
    program = fetched_in(folder)
    say(f"Asterisk {program.version} is in {folder}")
    if program.version != TESTED:
        say(f"This version was not tried: {TESTED} was")
    return program


def _mirror() -> str | None:
    """The mirror that the machine's own sources name for Debian itself."""
    rows = _run(
        "apt-get",
        "indextargets",
        "--format",
        "$(SITE) $(COMPONENT) $(ORIGIN)",
        "Created-By: Packages",
    )
    for row in rows.splitlines():
        site, component, origin = (*row.split(" "), "", "", "")[:3]
        path = urlsplit(site).path.rstrip("/")
        if component == "main" and path.endswith("/debian") and origin in ("Debian", "$(ORIGIN)"):
            return site
    return None


def _private_apt(mirror: str, work: Path) -> list[str]:
    """Folders of its own for apt; its options that name them."""
    for name in ("lists/partial", "cache/archives/partial"):
        (work / "apt" / name).mkdir(parents=True)
    signed = f"[signed-by={KEYRING}] " if KEYRING.exists() else ""
    (work / "apt/sources.list").write_text(f"deb {signed}{mirror} {SUITE} main\n")
    (work / "apt/status").touch()
    places = {
        "Dir::Etc::sourcelist": "sources.list",
        "Dir::State::lists": "lists",
        "Dir::State::status": "status",
        "Dir::Cache": "cache",
    }
    options = [f"-o{name}={(work / 'apt' / place).resolve()}" for name, place in places.items()]
    # A mirror may be some weeks behind; signatures are checked all the same. As another user apt
    # could not write here.
    more = (
        "Dir::Etc::sourceparts=/dev/null",
        "Acquire::Check-Valid-Until=false",
        "Acquire::Languages=none",
        "Acquire::Retries=3",
        "APT::Sandbox::User=root",
    )
    return [*options, *(f"-o{each}" for each in more)]


def _run(*command: str, cwd: Path | None = None) -> str:
    done = subprocess.run(  # noqa: S603 - commands of ours
        command, cwd=cwd, capture_output=True, text=True, check=False
    )
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise Missing(f"{command[0]} failed: {why}. {INSTALL}")
    return done.stdout
