"""How many files a worker may have open: clients and the store need more than the usual 1024."""

import resource

import structlog

log = structlog.get_logger(__name__)

# Open files that a worker requests if the system has no hard limit.
_FILES = 65_536


def allow_open_files() -> None:
    """Raise the limit of open files as far as the system allows; log if it does not."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else hard
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (ValueError, OSError) as error:
            log.warning("few_files", limit=soft, error=str(error), hint="raise ulimit -n")
