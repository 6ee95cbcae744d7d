"""TLS of the HTTP clients of workers: other workers, and commands."""

import ssl

from processor.errors import UsageError
from processor.settings import Settings


def client_tls(settings: Settings) -> ssl.SSLContext:
    """Return a context that trusts the system's authorities and the workers' own certificate.

    Raises:
        UsageError: the workers' certificate cannot be read.
    """
    context = ssl.create_default_context()
    if settings.tls_cert is not None:
        try:
            context.load_verify_locations(settings.tls_cert)
        except OSError as error:  # an SSLError is one, too
            message = f"the certificate {str(settings.tls_cert)!r} cannot be used"
            hint = "PROCESSOR_TLS_CERT names a PEM file"
            raise UsageError(message, detail=str(error), hint=hint) from error
        # The system need not trust it, nor the authority that signed it.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context
