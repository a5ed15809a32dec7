import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.utils.Exit;

/**
 * Kafka's own clients and tools in one warm JVM. Each line of standard input is a command, its words separated by
 * tabs; each answer is one line: "ok" or "err" and more words. The first argument is the broker's address.
 */
public final class Lab {
    private final String bootstrap;
    private final Admin admin;

    private Lab(String bootstrap) {
        this.bootstrap = bootstrap;
        this.admin = Admin.create(Map.of("bootstrap.servers", bootstrap));
    }

    public static void main(String[] args) throws Exception {
        // Only answers may reach standard output: tools and logs print elsewhere.
        PrintStream answers = new PrintStream(new FileOutputStream(FileDescriptor.out), true);
        System.setOut(System.err);
        Lab lab = new Lab(args[0]);
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = commands.readLine()) != null; ) {
            String answer;
            try {
                answer = "ok" + lab.run(line.split("\t", -1));
            } catch (Throwable e) {
                answer = "err\t" + e;
            }
            answers.println(answer.replace("\n", "\\n").replace("\r", "\\r"));
        }
        Runtime.getRuntime().halt(0);
    }

    private String run(String[] words) throws Exception {
        return switch (words[0]) {
            case "create" -> create(words);
            case "delete" -> delete(words[1]);
            case "produce" -> produce(words);
            case "transact" -> transact(words);
            case "put" -> put(words);
            case "send" -> send(words);
            case "read" -> read(words[1], words[2]);
            case "place" -> place(words[1], words[2]);
            case "scan" -> scan(words[1], words[2]);
            case "order" -> order(words[1], words[2]);
            case "ends" -> offsets(ends(words[1]));
            case "committed" -> offsets(committed(words[1]));
            case "epochs" -> epochs(words[1]);
            case "members" -> "\t" + members(words[1]);
            case "clients" -> clients(words[1]);
            case "workers" -> workers(words[1]);
            case "tool" -> tool(words);
            default -> throw new IllegalArgumentException("unknown command " + words[0]);
        };
    }

    /** create topic partitions name=value…: with these topic settings. */
    private String create(String[] words) throws Exception {
        String topic = words[1];
        Map<String, String> settings = Arrays.stream(words).skip(3).map(word -> word.split("=", 2))
            .collect(Collectors.toMap(pair -> pair[0], pair -> pair[1]));
        admin.createTopics(List.of(new NewTopic(topic, Optional.of(Integer.parseInt(words[2])), Optional.empty()).configs(settings))).all().get();
        // The controller has it; a moment later the broker knows it as well.
        long deadline = System.nanoTime() + 30_000_000_000L;
        while (!admin.listTopics().names().get().contains(topic)) {
            if (System.nanoTime() > deadline) {
                throw new IllegalStateException(topic + " did not appear");
            }
            Thread.sleep(5);
        }
        return "";
    }

    private String delete(String topic) throws Exception {
        admin.deleteTopics(List.of(topic)).all().get();
        return "";
    }

    private KafkaProducer<byte[], byte[]> producer(String codec) {
        return producer(codec, new Properties());
    }

    private KafkaProducer<byte[], byte[]> producer(String codec, Properties settings) {
        settings.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
        settings.put(ProducerConfig.COMPRESSION_TYPE_CONFIG, codec);
        settings.put(ProducerConfig.BATCH_SIZE_CONFIG, 256 << 10);
        settings.put(ProducerConfig.LINGER_MS_CONFIG, 20);
        settings.put(ProducerConfig.BUFFER_MEMORY_CONFIG, 64L << 20);
        // A batch of every partition fits one request: with the default of 1 MiB a full-speed load starves some.
        settings.put(ProducerConfig.MAX_REQUEST_SIZE_CONFIG, 8 << 20);
        settings.put(ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, 600_000);
        return new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
    }

    /**
     * produce topic partitions count size kind codec seed records-per-second (0: as fast as it goes) first-record keys:
     * with as many keys in each partition, in turn; 0 for records without a key.
     */
    private String produce(String[] words) throws Exception {
        String topic = words[1];
        int partitions = Integer.parseInt(words[2]);
        long count = Long.parseLong(words[3]);
        int size = Integer.parseInt(words[4]);
        Records records = new Records(Long.parseLong(words[7]));
        long rate = Long.parseLong(words[8]);
        long first = Long.parseLong(words[9]);
        long keys = Long.parseLong(words[10]);
        Census census = new Census();
        AtomicReference<Exception> failure = new AtomicReference<>();
        long start = System.nanoTime();
        try (KafkaProducer<byte[], byte[]> producer = producer(words[6])) {
            for (long i = 0; i < count && failure.get() == null; i++) {
                int partition = (int) ((first + i) % partitions);
                long sequence = (first + i) / partitions;
                byte[] key = keys == 0 ? null : Long.toString(sequence % keys).getBytes(StandardCharsets.US_ASCII);
                byte[] value = records.value(words[5], size, partition, sequence);
                census.add(partition, value);
                producer.send(new ProducerRecord<>(topic, partition, key, value), (at, e) -> {
                    if (e != null) {
                        failure.compareAndSet(null, e);
                    }
                });
                if (rate > 0 && i % 256 == 0) {
                    long ahead = start + i * 1_000_000_000L / rate - System.nanoTime();
                    if (ahead > 1_000_000) {
                        Thread.sleep(ahead / 1_000_000);
                    }
                }
            }
        }
        if (failure.get() != null) {
            throw failure.get();
        }
        return census.toString();
    }

    /**
     * transact topic partitions records-per-transaction size codec seed outcomes: a transaction for each letter, "c" to
     * commit it, "a" to abort it, "o" to leave it open (only the last). Answers with what was committed.
     */
    private String transact(String[] words) throws Exception {
        int partitions = Integer.parseInt(words[2]);
        int count = Integer.parseInt(words[3]);
        Records records = new Records(Long.parseLong(words[6]));
        Census committed = new Census();
        Properties settings = new Properties();
        settings.put(ProducerConfig.TRANSACTIONAL_ID_CONFIG, "lab-" + words[1]);
        var producer = producer(words[5], settings);
        producer.initTransactions();
        long number = 0;
        for (char outcome : words[7].toCharArray()) {
            producer.beginTransaction();
            for (int i = 0; i < count; i++, number++) {
                int partition = (int) (number % partitions);
                byte[] value = records.value("text", Integer.parseInt(words[4]), partition, number / partitions);
                producer.send(new ProducerRecord<>(words[1], partition, null, value));
                if (outcome == 'c') {
                    committed.add(partition, value);
                }
            }
            producer.flush();
            switch (outcome) {
                case 'c' -> producer.commitTransaction();
                case 'a' -> producer.abortTransaction();
                default -> {
                    // A close would abort it: the broker does so later.
                    return committed.toString();
                }
            }
        }
        producer.close();
        return committed.toString();
    }

    /** put topic partition value…: each value in hexadecimal, "null" for no value; one at a time, in order. */
    private String put(String[] words) throws Exception {
        try (KafkaProducer<byte[], byte[]> producer = producer("none")) {
            for (String word : Arrays.asList(words).subList(3, words.length)) {
                producer.send(new ProducerRecord<>(words[1], Integer.parseInt(words[2]), null, bytes(word)));
            }
            producer.flush();
        }
        return "";
    }

    /** send topic timestamp key value name=value…: one record in partition 0; "null" or hexadecimal digits. */
    private String send(String[] words) throws Exception {
        try (KafkaProducer<byte[], byte[]> producer = producer("none")) {
            var record = new ProducerRecord<>(words[1], 0, Long.valueOf(words[2]), bytes(words[3]), bytes(words[4]));
            for (String word : Arrays.asList(words).subList(5, words.length)) {
                String[] header = word.split("=", 2);
                record.headers().add(header[0], bytes(header[1]));
            }
            producer.send(record).get();
        }
        return "";
    }

    /** Reads a topic to its end and answers every record, in the form of "send" with spaces between its parts. */
    private String read(String topic, String isolation) throws Exception {
        StringBuilder answer = new StringBuilder();
        forEach(topic, isolation, record -> describe(record, answer.append('\t')));
        return answer.toString();
    }

    /** As "read", by partition, with partition and offset in front of each record. */
    private String place(String topic, String isolation) throws Exception {
        Map<Integer, StringBuilder> partitions = new TreeMap<>();
        forEach(topic, isolation, record -> {
            StringBuilder answer = partitions.computeIfAbsent(record.partition(), it -> new StringBuilder());
            describe(record, answer.append('\t').append(record.partition()).append(' ').append(record.offset()).append(' '));
        });
        return String.join("", partitions.values());
    }

    private static void describe(ConsumerRecord<byte[], byte[]> record, StringBuilder answer) {
        answer.append(record.timestamp());
        answer.append(' ').append(text(record.key())).append(' ').append(text(record.value()));
        record.headers().forEach(it -> answer.append(' ').append(it.key()).append('=').append(text(it.value())));
    }

    private void forEach(String topic, String isolation, Consumer<ConsumerRecord<byte[], byte[]>> action) throws Exception {
        Set<TopicPartition> partitions = ends(topic).keySet();
        Properties settings = new Properties();
        settings.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
        settings.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, isolation);
        try (var consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            while (ends.entrySet().stream().anyMatch(e -> consumer.position(e.getKey()) < e.getValue())) {
                consumer.poll(Duration.ofSeconds(1)).forEach(action);
            }
        }
    }

    private static byte[] bytes(String word) {
        return word.equals("null") ? null : HexFormat.of().parseHex(word);
    }

    private static String text(byte[] bytes) {
        return bytes == null ? "null" : HexFormat.of().formatHex(bytes);
    }

    /** Reads a topic to its end, which for the isolation level "read_committed" lies before the first open transaction. */
    private String scan(String topic, String isolation) throws Exception {
        Set<TopicPartition> partitions = ends(topic).keySet();
        Census census = new Census();
        Properties settings = new Properties();
        settings.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
        settings.put(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, 10_000);
        settings.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, isolation);
        try (var consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            while (ends.entrySet().stream().anyMatch(e -> consumer.position(e.getKey()) < e.getValue())) {
                consumer.poll(Duration.ofSeconds(1)).forEach(r -> census.add(r.partition(), r.value()));
            }
        }
        return census.toString();
    }

    /**
     * Reads a topic to its end, whose values begin with ten digits: their number in their partition. Answers for each partition
     * how many there are and how many of them are not the next number after the one before; then what the first of these was.
     */
    private String order(String topic, String isolation) throws Exception {
        Set<TopicPartition> partitions = ends(topic).keySet();
        Map<Integer, long[]> seen = new TreeMap<>();
        StringBuilder first = new StringBuilder();
        Properties settings = new Properties();
        settings.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
        settings.put(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, 10_000);
        settings.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, isolation);
        try (var consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            while (ends.entrySet().stream().anyMatch(e -> consumer.position(e.getKey()) < e.getValue())) {
                consumer.poll(Duration.ofSeconds(1)).forEach(record -> {
                    long number = Long.parseLong(new String(record.value(), 0, 10, StandardCharsets.US_ASCII));
                    long[] partition = seen.computeIfAbsent(record.partition(), it -> new long[3]);
                    partition[0]++;
                    if (number != partition[2]) {
                        partition[1]++;
                        if (first.isEmpty()) {
                            first.append(number + " where " + partition[2] + " was due at " + record.partition() + "@" + record.offset());
                        }
                    }
                    partition[2] = number + 1;
                });
            }
        }
        StringBuilder answer = new StringBuilder("\t" + first);
        seen.forEach((at, it) -> answer.append('\t').append(at).append(':').append(it[0]).append(':').append(it[1]));
        return answer.toString();
    }

    private Map<TopicPartition, Long> ends(String topic) throws Exception {
        int partitions = admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().size();
        var ask = IntStream.range(0, partitions).boxed()
            .collect(Collectors.toMap(p -> new TopicPartition(topic, p), p -> OffsetSpec.latest()));
        return admin.listOffsets(ask).all().get().entrySet().stream()
            .collect(Collectors.toMap(Map.Entry::getKey, e -> e.getValue().offset()));
    }

    private Map<TopicPartition, Long> committed(String group) throws Exception {
        Map<TopicPartition, OffsetAndMetadata> all = admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
        return all.entrySet().stream().filter(e -> e.getValue() != null)
            .collect(Collectors.toMap(Map.Entry::getKey, e -> e.getValue().offset()));
    }

    /** The leader epochs in a group's commits; partitions that were committed without one are left out. */
    private String epochs(String group) throws Exception {
        Map<TopicPartition, Long> epochs = new HashMap<>();
        admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get()
            .forEach((at, offset) -> offset.leaderEpoch().ifPresent(epoch -> epochs.put(at, (long) epoch)));
        return offsets(epochs);
    }

    private static String offsets(Map<TopicPartition, Long> offsets) {
        Map<String, Long> sorted = new TreeMap<>();
        offsets.forEach((at, offset) -> sorted.put(at.topic() + ":" + at.partition(), offset));
        return sorted.entrySet().stream().map(e -> "\t" + e.getKey() + ":" + e.getValue()).collect(Collectors.joining());
    }

    private int members(String group) throws Exception {
        return admin.describeConsumerGroups(List.of(group)).all().get().get(group).members().size();
    }

    /** The client ids of a consumer group's members, sorted; a member that has no partition counts as well. */
    private String clients(String group) throws Exception {
        return admin.describeConsumerGroups(List.of(group)).all().get().get(group).members().stream()
            .map(member -> "\t" + member.clientId()).sorted().collect(Collectors.joining());
    }

    /** The state of a group of workers and how many members it has. */
    private String workers(String group) throws Exception {
        var found = admin.describeClassicGroups(List.of(group)).all().get().get(group);
        return "\t" + found.state() + "\t" + found.members().size();
    }

    /** tool main-class argument…: runs one of Kafka's command-line tools and answers with what it printed. */
    private static String tool(String[] words) throws Exception {
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        // Tools catch their own exit as an error and exit again: the first status is the true one.
        AtomicReference<Integer> status = new AtomicReference<>();
        Exit.setExitProcedure((code, message) -> {
            status.compareAndSet(null, code);
            throw new ToolExit();
        });
        PrintStream before = System.out;
        System.setOut(new PrintStream(printed, true));
        try {
            Class.forName(words[1]).getMethod("main", String[].class)
                .invoke(null, (Object) Arrays.copyOfRange(words, 2, words.length));
        } catch (java.lang.reflect.InvocationTargetException e) {
            // What leaves a main method ends its process with 1.
            if (status.compareAndSet(null, 1)) {
                e.getCause().printStackTrace(System.out);
            }
        } finally {
            System.setOut(before);
            Exit.resetExitProcedure();
        }
        int code = status.get() == null ? 0 : status.get();
        return "\t" + code + "\t" + printed.toString(StandardCharsets.UTF_8).replace("\t", " ");
    }

    /** Ends a tool where it would have ended the process. */
    private static final class ToolExit extends RuntimeException {}
}
