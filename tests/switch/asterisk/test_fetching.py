"""Fetching Asterisk, with programs in apt's place that write down what they are asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from crossbar.switch.asterisk import Missing, fetch, find, obtain

APT = """#!/bin/sh
echo "apt-get $*" >> {log}
case "$*" in
*indextargets*) echo "{target}" ;;
*download*) touch one.deb two.deb ;;
*update*) {update} ;;
esac
"""

DPKG = """#!/bin/sh
mkdir -p $3/usr/lib64 $3/usr/lib/x/asterisk/modules $3/usr/sbin $3/usr/share/man
printf '#!/bin/sh\\necho Asterisk {version}\\n' > $3/usr/lib64/ld-linux-x.so.2
chmod +x $3/usr/lib64/ld-linux-x.so.2
"""

DEBIAN = "http://mirror.example/debian/ main Debian"


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin:/usr/bin")
    return tmp_path / "log"


def programs(
    log: Path, *, target: str = DEBIAN, version: str = "22.10.1", update: str = "true"
) -> None:
    """Programs of these names that do as if."""
    folder = log.parent / "bin"
    apt = APT.format(log=log, target=target, update=update)
    for name, text in (("apt-get", apt), ("dpkg-deb", DPKG.replace("{version}", version))):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)


def test_asterisk_is_fetched_from_the_machines_own_mirror(log: Path) -> None:
    programs(log)
    said: list[str] = []
    folder = log.parent / "switch"
    program = fetch(folder / "asterisk", said.append)
    assert program.version == "22.10.1"
    assert find(folder) == program
    assert any("mirror.example" in line for line in said)
    asked = log.read_text()
    assert "Dir::Etc::sourceparts=/dev/null" in asked
    assert "Dir::State::status" in asked
    assert not (folder / "asterisk/usr/share/man").exists()
    assert [each.name for each in folder.iterdir()] == ["asterisk"]


def test_another_version_is_told(log: Path) -> None:
    programs(log, version="23.1.0")
    said: list[str] = []
    assert fetch(log.parent / "asterisk", said.append).major == 23
    assert said[-1] == "This version was not tried: 22.10.1 was"


def test_what_was_there_stays_when_fetching_fails(log: Path) -> None:
    programs(log)
    fetch(log.parent / "asterisk", print)
    programs(log, update="echo E: no network >&2; exit 100")
    with pytest.raises(Missing, match="no network"):
        fetch(log.parent / "asterisk", print)
    assert find(log.parent).version == "22.10.1"
    assert not (log.parent / "asterisk.new").exists()


@pytest.mark.parametrize("target", ["http://mirror.example/ubuntu/ main Ubuntu", ""])
def test_other_systems_are_told_what_to_install(log: Path, target: str) -> None:
    programs(log, target=target)
    with pytest.raises(Missing, match="Install Asterisk 20 or newer"):
        fetch(log.parent / "asterisk", print)


def test_what_an_older_version_has_fetched_is_fetched_anew_for_faxes(log: Path) -> None:
    programs(log)
    said: list[str] = []
    folder = log.parent / "switch"
    assert not obtain(folder, said.append).can_fax
    (folder / "asterisk/old").touch()
    obtain(folder, said.append)
    assert not (folder / "asterisk/old").exists()
    libraries = folder / "asterisk/usr/lib/x"
    (libraries / "asterisk/modules/res_fax_spandsp.so").touch()
    (libraries / "libspandsp.so.2").touch()
    programs(log, update="echo E: no network >&2; exit 100")
    assert obtain(folder, said.append).can_fax
    (libraries / "libspandsp.so.2").unlink()
    assert obtain(folder, said.append) == find(folder)
    assert said[-1].startswith("No faxes")
