"""What the Kafka user may not do, as one error that states which right is missing.

Kafka returns a different code for each kind of object. An operator needs to know what was attempted
and where the rights are listed.
"""

from collections.abc import Iterable
from typing import Any

from confluent_kafka import KafkaError

from processor.errors import NotAuthorizedError

_NOT_AUTHORIZED = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError._AUTHENTICATION,  # noqa: SLF001 - its public name
    }
)


def not_authorized(reasons: Iterable[Any], what: str) -> NotAuthorizedError | None:
    """Return the error for what the Kafka user may not do; None if the reason is another one.

    Most of these errors are fatal to a producer, as being fenced is.

    Args:
        reasons: the known reasons: KafkaErrors; other objects are ignored.
        what: what the user may not do.
    """
    found = [one for one in reasons if isinstance(one, KafkaError)]
    reason = next((one for one in found if one.code() in _NOT_AUTHORIZED), None)
    return None if reason is None else no_right_to(what, str(reason))


def no_right_to(what: str, detail: str) -> NotAuthorizedError:
    """Return the error for what the Kafka user may not do; `detail` is Kafka's own message."""
    message = f"the user in Kafka has no right to {what}"
    hint = "grant it the rights that deploy/README.md lists, or check PROCESSOR_KAFKA_SASL_USERNAME"
    return NotAuthorizedError(message, detail=detail, hint=hint)
