"""The parts of Faust's driver for aiokafka, with settings that the driver itself fixes."""

from typing import Any

from faust.transport.drivers import aiokafka as driver

from processor.streaming.fetch.kafka_wait import wait_for_kafka


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Faust's thread around aiokafka, which is a member of the group and fetches nothing."""

    async def on_start(self) -> None:
        """Start aiokafka's client, and end its fetching task before the client is in the group."""
        await super().on_start()
        assert self._consumer is not None
        self._consumer._fetcher._fetch_task.cancel()  # noqa: SLF001 - aiokafka has no door

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"  # noqa: SLF001 - Faust ties it to its own EOS
        wait_for_kafka(consumer._client)  # noqa: SLF001 - aiokafka has no door
        return consumer


class Producer(driver.Producer):
    """Faust's own producer, which Faust starts with every worker; we send nothing through it."""

    def _new_producer(self) -> Any:
        producer = super()._new_producer()
        wait_for_kafka(producer.client)
        return producer
