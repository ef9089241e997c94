import os

import pytest

from waffles import exceptions
from waffles.database import files
from waffles.recovery.store import store as stores

MOUNTS = """\
/dev/vda1 / ext4 rw,relatime 0 0
proc /proc proc rw 0 0
server:/export /srv/nfs nfs4 rw,vers=4.2 0 0
/dev/vdb1 /srv/nfs/local xfs rw 0 0
//server/share /mnt/with\\040space cifs rw 0 0
user@host: /home/u/remote fuse.sshfs rw 0 0
tmpfs /srv/twice tmpfs rw 0 0
server:/two /srv/twice nfs rw 0 0
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/", "ext4"),
        ("/var/lib/waffles", "ext4"),
        ("/srv", "ext4"),
        ("/srv/nfs", "nfs4"),
        ("/srv/nfs/a/b", "nfs4"),
        ("/srv/nfsd", "ext4"),
        ("/srv/nfs/local", "xfs"),
        ("/mnt/with space/x", "cifs"),
        ("/home/u/remote", "fuse.sshfs"),
        ("/srv/twice", "nfs"),
    ],
)
def test_a_folder_is_on_what_is_mounted_nearest(folder, kind):
    assert files.file_system(folder, MOUNTS) == kind


def test_nothing_is_known_without_mounts():
    assert files.file_system("/", "") == ""


def mounted(tmp_path, kind, place=None):
    """What the system would tell of a folder."""
    text = f"/dev/vda1 / ext4 rw 0 0\nx {place or tmp_path} {kind} rw 0 0\n"
    mounts = tmp_path / "mounts"
    mounts.write_text(text)
    return mounts


@pytest.mark.parametrize(
    "kind", ["nfs", "nfs4", "cifs", "smb3", "ceph", "glusterfs", "fuse.sshfs",
             "9p", "lustre", "ocfs2", "gfs2", "virtiofs"]
)  # fmt: skip
def test_a_file_system_of_a_network_is_refused(tmp_path, kind):
    with pytest.raises(exceptions.ConfigError, match=f"on {kind}, and") as e:
        files.check(str(tmp_path / "r.db"), mounted(tmp_path, kind))

    assert "PostgreSQL or MySQL" in str(e.value)
    assert not (tmp_path / "r.db").exists()


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "tmpfs", "overlay"])
def test_a_local_file_system_is_taken(tmp_path, kind):
    files.check(str(tmp_path / "r.db"), mounted(tmp_path, kind))


def test_a_link_to_a_network_is_one(tmp_path):
    there = tmp_path / "there"
    there.mkdir()
    (tmp_path / "here").symlink_to(there)
    mounts = mounted(tmp_path, "nfs", there)

    with pytest.raises(exceptions.ConfigError, match="on nfs"):
        files.check(str(tmp_path / "here" / "r.db"), mounts)


def test_a_file_that_links_to_a_network_is_one(tmp_path):
    there = tmp_path / "there"
    there.mkdir()
    (tmp_path / "r.db").symlink_to(there / "r.db")
    mounts = mounted(tmp_path, "nfs", there)

    with pytest.raises(exceptions.ConfigError, match="on nfs"):
        files.check(str(tmp_path / "r.db"), mounts)


def test_another_system_may_have_no_list_of_mounts(tmp_path):
    files.check(str(tmp_path / "r.db"), tmp_path / "none")


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///recovery.db",
        "sqlite:///var/lib/recovery.db",
        "sqlite:///:memory:",
        "sqlite:///file:/tmp/x?uri=true",
    ],
)
def test_a_path_must_be_a_whole_one(url):
    with pytest.raises(exceptions.ConfigError, match="is not a whole path"):
        stores.open(url)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    url = f"sqlite:///{tmp_path}/none/r.db"

    with pytest.raises(
        exceptions.ConfigError, match=f"there is no folder {tmp_path}/none$"
    ):
        stores.open(url)


@pytest.mark.parametrize("name", ["folder", "folder/r.db"])
def test_what_cannot_be_written_is_named(tmp_path, monkeypatch, name):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "r.db").touch()
    refused = tmp_path / name
    access = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: path != refused and access(path, mode)
    )

    with pytest.raises(
        exceptions.ConfigError, match=f"{refused} cannot be written"
    ):
        stores.open(f"sqlite:///{tmp_path}/folder/r.db")


def test_what_is_no_database_is_refused(tmp_path):
    (tmp_path / "r.db").write_text("not a database, but a text\n" * 99)

    with pytest.raises(
        exceptions.ConfigError, match="r.db: file is not a database"
    ):
        stores.open(f"sqlite:///{tmp_path}/r.db")
