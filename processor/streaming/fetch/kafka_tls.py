"""The TLS of aiokafka's connections to Kafka."""

import ssl

from processor.settings import Settings


def ssl_context(settings: Settings) -> ssl.SSLContext:
    """Return the TLS context of the settings; librdkafka has properties of its own for it."""
    context = ssl.create_default_context(cafile=settings.kafka_ssl_cafile or None)
    if settings.kafka_ssl_certfile:
        context.load_cert_chain(settings.kafka_ssl_certfile, settings.kafka_ssl_keyfile or None)
    return context
