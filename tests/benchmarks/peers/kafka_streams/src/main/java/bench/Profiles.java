package bench;

import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;

/** Applies contributions to profiles; passes on what the rule says. */
final class Profiles implements Processor<String, byte[], String, String> {
  static final String STORE = "profiles";
  private final Job job;
  private final Counts counts;
  private ProcessorContext<String, String> context;
  private KeyValueStore<String, byte[]> store;

  Profiles(Job job, Counts counts) {
    this.job = job;
    this.counts = counts;
  }

  @Override
  public void init(ProcessorContext<String, String> given) {
    context = given;
    store = given.getStateStore(STORE);
  }

  @Override
  public void process(Record<String, byte[]> record) {
    Job.Outcome outcome = job.apply(store.get(record.key()), record.value());
    store.put(record.key(), outcome.profile());
    if (outcome.fired()) {
      // The timestamp of a record stays that of the event, through all topics.
      String message =
          "{\"name\":\"%s\",\"domain_userid\":\"%s\",\"produced_ms\":%d}"
              .formatted(job.rule(), record.key(), record.timestamp());
      context.forward(record.withValue(message));
    }
    counts.applied.incrementAndGet();
  }
}
