"""Exit status 0 when the worker in this container serves; Docker runs it every few seconds."""

import os
import ssl
import sys
import urllib.error
import urllib.request

# Below the time limit that the image's HEALTHCHECK gives it.
TIMEOUT_S = 3.0


def main() -> int:
    """Ask the worker whether it is ready; say why it is not."""
    port = os.environ["PROCESSOR_HTTP"].rpartition(":")[2]
    scheme = "https" if os.environ.get("PROCESSOR_TLS_CERT") else "http"
    trust = ssl.create_default_context()
    trust.check_hostname = False  # the certificate is for the worker's name, not for this address
    trust.verify_mode = ssl.CERT_NONE
    url = f"{scheme}://127.0.0.1:{port}/health/ready"
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S, context=trust):  # noqa: S310 - http(s)
            return 0
    except urllib.error.HTTPError as error:
        with error:
            reason = error.read().decode(errors="replace")
    except OSError as error:
        reason = str(error)
    sys.stderr.write(f"{url}: {reason}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
