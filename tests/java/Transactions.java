import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Idempotent and transactional producers against a broker: {@code Transactions <bootstrap>}. Prints one line per fact, for
 * the caller to compare; topics are created on first use.
 */
public class Transactions {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final String bootstrap;

    private Transactions(String bootstrap) {
        this.bootstrap = bootstrap;
    }

    public static void main(String[] arguments) throws Exception {
        Transactions transactions = new Transactions(arguments[0]);
        transactions.idempotence();
        transactions.outcomes();
        transactions.offsets();
        transactions.zombies();
        transactions.timeout();
    }

    private Properties properties() {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", bootstrap);
        return properties;
    }

    private KafkaProducer<String, String> producer(Map<String, ?> settings) {
        Properties properties = properties();
        properties.putAll(settings);
        return new KafkaProducer<>(properties, new StringSerializer(), new StringSerializer());
    }

    private KafkaProducer<String, String> transactional(String id) {
        return producer(Map.of("transactional.id", id));
    }

    /** The values of a topic's one partition, up to what was its end at the call. */
    private List<String> read(String topic, String isolation) {
        Properties properties = properties();
        properties.put("isolation.level", isolation);
        properties.put("fetch.max.wait.ms", 50);
        List<String> values = new ArrayList<>();
        TopicPartition partition = new TopicPartition(topic, 0);
        try (KafkaConsumer<String, String> consumer =
                new KafkaConsumer<>(properties, new StringDeserializer(), new StringDeserializer())) {
            consumer.assign(List.of(partition));
            consumer.seekToBeginning(List.of(partition));
            long end = consumer.endOffsets(List.of(partition)).get(partition);
            long deadline = System.nanoTime() + PATIENCE.toNanos();
            while (consumer.position(partition) < end && System.nanoTime() < deadline) {
                for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(100))) {
                    values.add(record.value());
                }
            }
        }
        return values;
    }

    /** The caller lets answers to Produce get lost: everything arrives once and in order nevertheless. */
    private void idempotence() {
        List<String> sent = new ArrayList<>();
        try (KafkaProducer<String, String> producer = producer(Map.of("batch.size", 500))) {
            for (int number = 0; number < 1_000; number++) {
                sent.add("value " + number);
                producer.send(new ProducerRecord<>("plain", 0, null, "value " + number));
            }
        }
        System.out.println("idempotent " + read("plain", "read_uncommitted").equals(sent));
    }

    private void outcomes() {
        try (KafkaProducer<String, String> producer = transactional("outcomes")) {
            producer.initTransactions();
            for (int round = 0; round < 4; round++) {
                producer.beginTransaction();
                for (int number = 0; number < 2; number++) {
                    String value = (round % 2 == 0 ? "kept" : "dropped") + round + number;
                    producer.send(new ProducerRecord<>("outcomes", 0, null, value));
                }
                producer.flush();
                if (round % 2 == 0) {
                    producer.commitTransaction();
                } else {
                    producer.abortTransaction();
                }
            }
            producer.beginTransaction();
            producer.send(new ProducerRecord<>("outcomes", 0, null, "open"));
            producer.flush();
            System.out.println("committed " + String.join(",", read("outcomes", "read_committed")));
            System.out.println("all " + String.join(",", read("outcomes", "read_uncommitted")));
            producer.abortTransaction();
        }
    }

    private void offsets() {
        try (KafkaProducer<String, String> producer = transactional("offsets")) {
            producer.initTransactions();
            for (long offset : new long[] {3, 5}) {
                producer.beginTransaction();
                Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
                offsets.put(new TopicPartition("outcomes", 0), new OffsetAndMetadata(offset));
                producer.sendOffsetsToTransaction(offsets, new ConsumerGroupMetadata("readers"));
                if (offset == 3) {
                    producer.commitTransaction();
                } else {
                    producer.abortTransaction();
                }
            }
        }
    }

    private void zombies() throws Exception {
        try (KafkaProducer<String, String> zombie = transactional("zombies");
                KafkaProducer<String, String> successor = transactional("zombies");
                Admin admin = Admin.create(properties())) {
            zombie.initTransactions();
            zombie.beginTransaction();
            zombie.send(new ProducerRecord<>("zombies", 0, null, "of the zombie"));
            zombie.flush();
            successor.initTransactions();
            System.out.println("zombie " + fenced(zombie::commitTransaction));
            successor.beginTransaction();
            successor.send(new ProducerRecord<>("zombies", 0, null, "of the successor"));
            successor.commitTransaction();
            successor.beginTransaction();
            successor.send(new ProducerRecord<>("zombies", 0, null, "too late"));
            successor.flush();
            admin.fenceProducers(List.of("zombies")).all().get();
            System.out.println("fenced by admin " + fenced(successor::commitTransaction));
        }
        System.out.println("after zombies " + String.join(",", read("zombies", "read_committed")));
    }

    private static boolean fenced(Runnable commit) {
        try {
            commit.run();
            return false;
        } catch (ProducerFencedException expected) {
            return true;
        }
    }

    private void timeout() throws Exception {
        Map<String, ?> settings = Map.of("transactional.id", "slow", "transaction.timeout.ms", 500);
        try (KafkaProducer<String, String> slow = producer(settings); Admin admin = Admin.create(properties())) {
            slow.initTransactions();
            slow.beginTransaction();
            slow.send(new ProducerRecord<>("slow", 0, null, "too slow"));
            slow.flush();
            // The abort marker follows the one record.
            long deadline = System.nanoTime() + PATIENCE.toNanos();
            while (stableEnd(admin, "slow") < 2 && System.nanoTime() < deadline) {
                Thread.sleep(20);
            }
            boolean refused = false;
            try {
                slow.commitTransaction();
            } catch (KafkaException expected) {
                refused = true;
            }
            System.out.println("timed out " + refused);
        }
        System.out.println("slow " + read("slow", "read_committed").size());
    }

    private static long stableEnd(Admin admin, String topic) throws Exception {
        TopicPartition partition = new TopicPartition(topic, 0);
        ListOffsetsOptions committed = new ListOffsetsOptions(IsolationLevel.READ_COMMITTED);
        return admin.listOffsets(Map.of(partition, OffsetSpec.latest()), committed).partitionResult(partition).get().offset();
    }
}
