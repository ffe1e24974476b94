"""The environment that a study gets: without what looks like a secret.

Maestro writes all environment variables down, in a file that everybody can read (meta/environment.yaml).
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from genstudy.schedulers.environment import sbatch_environ

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SECRET_ANYWHERE = re.compile(r"SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|APIKEY|PRIVATEKEY|ACCESSKEY")
"""In a name without its underscores: API_KEY, MyPassword, AWS_SECRET_ACCESS_KEY."""

SECRET_WORD = re.compile(
    r".*TOKENS?|.*COOKIES?|.*JWT|.*PWD|.*CREDS"
    r"|O?AUTH|(?:BASIC|HTTP)AUTH|AUTHKEY|AUTHORIZATION|PASS|(?:SSH|DB|USER)PASS|PASSCODE|PW|PAT|BEARER"
)
"""A word of a name, between underscores and without digits at its end: GITHUB_TOKEN, DB_PWD, CI_AUTH."""

SECRET_KEY = re.compile(
    r"(?:.*_)?(?:ACCOUNT|ADMIN|APP|AUTH|CLIENT|DEPLOY|ENCRYPTION|GPG|MASTER|RSA|SERVICE|SESSION|SHARED|SIGNING"
    r"|SSH|STORAGE)_KEYS?(?:_.*)?"
)
SECRET_NAME = re.compile(r"BW_SESSION|OP_SESSION_.*")
"""Sessions of password stores."""

PLACE = re.compile(
    r".*_(?:FILE|PATH|DIR|HOME|SOCK|SOCKET|COMMAND|CMD|HELPER|BACKEND|TYPE|TTL|TIMEOUT|EXPIRY)"
)
"""Names of what tells where or of what kind a secret is, and is none."""

HARMLESS = frozenset({"PWD", "OLDPWD", "GOOGLE_APPLICATION_CREDENTIALS"})
HARMLESS_VALUE = re.compile(r"|[01]|true|false|yes|no|on|off|none|null", re.IGNORECASE)
COUNTED = re.compile(r".*TOKENS(?:_.*)?")
"""Such as MAX_TOKENS, if it is a number."""

SECRET_VALUE = re.compile(
    r"[a-z][a-z0-9+.-]*://[^\s/@:]*:[^\s/@]+@"  # https://user:password@host
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|\bbearer\s+[\w.~+/-]{8,}"
    r"|(?:\b|ssl)password=[^\s;$'\"]"
    r"|client_secret=\S"
    r"|(?<![\w-])(?:"
    r"(?-i:AKIA|ASIA)[A-Z0-9]{16}"
    r"|gh[opsur]_\w{20,}|github_pat_\w{20,}"
    r"|gl(?:pat|dt|rt|ptt|cbt)-[\w-]{20,}"
    r"|xox[a-z]-[\w-]{10,}"
    r"|(?-i:AIza)[\w-]{35}"
    r"|hf_[a-z]{30,}"
    r"|npm_\w{36}|pypi-[\w-]{50,}|sk-[\w-]{20,}|sk_live_\w{20,}|dckr_pat_[\w-]{20,}|hvs\.[\w-]{20,}"
    r"|(?-i:eyJ)[\w-]{10,}\.(?-i:eyJ)[\w-]{10,}\.[\w-]*"  # a JSON web token
    r")",
    re.IGNORECASE | re.ASCII,
)


def scrubbed(environ: Mapping[str, str], passed: Sequence[str] = ()) -> tuple[dict[str, str], list[str]]:
    """Return an environment without secrets, and the names that were taken out, in order.

    passed: names that stay whatever they look like; one that ends in * stands for all that begin so.
    """
    exact = {name for name in passed if not name.endswith("*")}
    prefixes = tuple(name.removesuffix("*") for name in passed if name.endswith("*"))
    withheld = sorted(
        name
        for name, value in environ.items()
        if is_secret(name, value) and name not in exact and not name.startswith(prefixes)
    )
    return {name: value for name, value in environ.items() if name not in withheld}, withheld


def for_scheduler(environ: Mapping[str, str], scripts: str) -> dict[str, str]:
    """Return an environment in which Maestro sees its jobs: it asks squeue or bjobs for those of $USER.

    USER is this user's name, whatever it was: under sudo it may be another's. Variables are taken out by
    which squeue leaves out jobs, those of a job in which we may be ourselves, and those by which sbatch would
    overrule what the jobs' scripts say. Slurm itself runs the jobs of a lost node again: where Maestro does,
    one that is throttled waits for them for ever.
    """
    environ = sbatch_environ(environ, f"{scripts}\n#SBATCH --requeue")
    return {**environ, "SBATCH_REQUEUE": "1", "USER": _user()}


def _user() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # of a user that is in no list; squeue takes numbers too
        return str(os.geteuid())


def is_secret(name: str, value: str) -> bool:
    """Tell whether an environment variable looks like a secret, by its name or by its value."""
    return SECRET_VALUE.search(value) is not None or (
        _names_a_secret(name.upper()) and not _is_harmless(name.upper(), value)
    )


def _names_a_secret(name: str) -> bool:
    words = (word.rstrip("0123456789") for word in re.split(r"[^A-Z0-9]+", name))
    return (
        any(SECRET_WORD.fullmatch(word) for word in words)
        or SECRET_ANYWHERE.search(name.replace("_", "")) is not None
        or SECRET_KEY.fullmatch(name) is not None
        or SECRET_NAME.fullmatch(name) is not None
    )


def _is_harmless(name: str, value: str) -> bool:
    return (
        name in HARMLESS
        or PLACE.fullmatch(name) is not None
        or HARMLESS_VALUE.fullmatch(value) is not None
        or (name.endswith("PWD") and value.startswith("/"))
        or (COUNTED.fullmatch(name) is not None and value.isdecimal())
    )
