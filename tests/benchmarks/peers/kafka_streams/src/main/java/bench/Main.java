package bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.Repartitioned;
import org.apache.kafka.streams.state.Stores;

/**
 * A job of the benchmark on Kafka Streams, until a signal ends it.
 *
 * <p>Arguments: job, source topic, output topic, number of partitions, port of the counts, then
 * settings of Kafka Streams as name=value.
 */
public final class Main {
  private Main() {}

  public static void main(String[] arguments) throws Exception {
    Job job = Job.named(arguments[0]);
    Counts counts = new Counts();
    Properties settings = new Properties();
    for (String setting : List.of(arguments).subList(5, arguments.length)) {
      int equals = setting.indexOf('=');
      settings.put(setting.substring(0, equals), setting.substring(equals + 1));
    }
    Topology topology =
        topology(job, counts, arguments[1], arguments[2], Integer.parseInt(arguments[3]));
    KafkaStreams streams = new KafkaStreams(topology, settings);
    streams.setUncaughtExceptionHandler(
        error -> {
          error.printStackTrace();
          return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
    CountDownLatch ended = new CountDownLatch(1);
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  streams.close(Duration.ofSeconds(20));
                  ended.countDown();
                }));
    counts.serve(Integer.parseInt(arguments[4]));
    streams.start();
    ended.await();
  }

  private static Topology topology(
      Job job, Counts counts, String source, String output, int partitions) {
    StreamsBuilder builder = new StreamsBuilder();
    builder.addStateStore(
        Stores.keyValueStoreBuilder(
                Stores.persistentKeyValueStore(Profiles.STORE),
                Serdes.String(),
                Serdes.ByteArray())
            .withCachingEnabled());
    builder.stream(source, Consumed.with(Serdes.ByteArray(), Serdes.ByteArray()))
        .flatMap((key, value) -> contributions(job, counts, value))
        .repartition(
            Repartitioned.<String, byte[]>as("contributions")
                .withKeySerde(Serdes.String())
                .withValueSerde(Serdes.ByteArray())
                .withNumberOfPartitions(partitions))
        .process(() -> new Profiles(job, counts), Profiles.STORE)
        .to(output, Produced.with(Serdes.String(), Serdes.String()));
    return builder.build();
  }

  private static List<KeyValue<String, byte[]>> contributions(
      Job job, Counts counts, byte[] value) {
    counts.seen.incrementAndGet();
    String[] columns = new String(value, StandardCharsets.UTF_8).split("\t", -1);
    String id = columns[Job.DOMAIN_USERID];
    if (id.isEmpty()) {
      return List.of();
    }
    try {
      byte[] contribution = job.contribution(columns);
      return contribution == null ? List.of() : List.of(KeyValue.pair(id, contribution));
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }
}
