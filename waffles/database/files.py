"""Whether a file can be a database of SQLite.

SQLite locks parts of its files, and maps one into memory.  Both fail on file
systems of a network, and not always with an error.
"""

import os
from pathlib import Path

from waffles.database.backends import unusable

MOUNTS = Path("/proc/mounts")

#: File systems that several machines may have at once.
SHARED = frozenset(
    "9p afs beegfs ceph cifs coda glusterfs gfs gfs2 gpfs lustre ncpfs nfs"
    " nfs4 ocfs2 orangefs pvfs2 smb3 smbfs virtiofs fuse.ceph"
    " fuse.ceph-fuse fuse.glusterfs fuse.juicefs fuse.moosefs fuse.rclone"
    " fuse.s3fs fuse.sshfs".split()
)


def check(name: str, mounts: Path = MOUNTS) -> None:
    """Whether the database can be there, be it made already or not.

    :raises ConfigError: it cannot, with the reason
    """
    file = Path(name)
    if not file.is_absolute():
        raise unusable(
            f"{name} is not a whole path: sqlite:// is followed by two"
            f" slashes and it, as in sqlite:////var/lib/waffles/recovery.db"
        )
    if not file.parent.is_dir():
        raise unusable(f"there is no folder {file.parent}")
    folder = file.resolve().parent
    kind = file_system(str(folder), _read(mounts))
    if kind in SHARED:
        raise unusable(
            f"{file} would be on {kind}, and SQLite fails on file systems of"
            f" a network: take a local folder, or PostgreSQL or MySQL where"
            f" there are several nodes"
        )
    for path in (folder, file) if file.exists() else (folder,):
        if not os.access(path, os.R_OK | os.W_OK):
            raise unusable(f"{path} cannot be written by us")


def file_system(folder: str, mounts: str) -> str:
    """The type of the file system that a folder is on.

    :param mounts: as in ``/proc/mounts``; a later line is mounted above
    """
    found, length = "", 0
    for line in mounts.splitlines():
        _, place, kind, *_ = line.split(" ")
        place = _unescaped(place).rstrip("/") + "/"
        if f"{folder}/".startswith(place) and len(place) >= length:
            found, length = kind, len(place)
    return found


def _unescaped(place: str) -> str:
    """``\\040`` is a space."""
    return place.encode().decode("unicode_escape").encode("latin-1").decode()


def _read(mounts: Path) -> str:
    try:
        return mounts.read_text(errors="replace")
    except OSError:
        return ""  # another system; nobody can tell
