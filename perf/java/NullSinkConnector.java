import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.Task;
import org.apache.kafka.connect.sink.SinkConnector;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.sink.SinkTask;

/**
 * A sink that only counts. When all its tasks together have seen `expected` records it writes one line to `report`:
 * records, payload bytes, nanoseconds from the first to the last record, CPU nanoseconds of the process in between.
 */
public final class NullSinkConnector extends SinkConnector {
    private Map<String, String> settings;

    @Override
    public void start(Map<String, String> settings) {
        this.settings = settings;
    }

    @Override
    public Class<? extends Task> taskClass() {
        return NullSinkTask.class;
    }

    @Override
    public List<Map<String, String>> taskConfigs(int count) {
        return Collections.nCopies(count, settings);
    }

    @Override
    public void stop() {}

    @Override
    public ConfigDef config() {
        return new ConfigDef();
    }

    @Override
    public String version() {
        return "1";
    }

    /** What all tasks of the process have seen; entered once per poll, not per record. */
    private static final class Total {
        private static long firstNanos;
        private static long firstCpu;
        private static long records;
        private static long bytes;

        static synchronized void start() {
            if (firstNanos == 0) {
                firstNanos = System.nanoTime();
                firstCpu = cpu();
            }
        }

        static synchronized void add(long moreRecords, long moreBytes, long expected, String report) {
            records += moreRecords;
            bytes += moreBytes;
            if (records >= expected && records - moreRecords < expected) {
                String line = records + " " + bytes + " " + (System.nanoTime() - firstNanos) + " " + (cpu() - firstCpu) + "\n";
                try {
                    Path part = Path.of(report + ".part");
                    Files.writeString(part, line);
                    Files.move(part, Path.of(report));
                } catch (java.io.IOException e) {
                    throw new java.io.UncheckedIOException(e);
                }
            }
        }

        private static long cpu() {
            return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
        }
    }

    public static final class NullSinkTask extends SinkTask {
        private long expected;
        private String report;

        @Override
        public void start(Map<String, String> settings) {
            expected = Long.parseLong(settings.get("expected"));
            report = settings.get("report");
        }

        @Override
        public void put(Collection<SinkRecord> records) {
            if (records.isEmpty()) {
                return;
            }
            Total.start();
            long bytes = 0;
            for (SinkRecord record : records) {
                bytes += size(record.key()) + size(record.value());
            }
            Total.add(records.size(), bytes, expected, report);
        }

        private static int size(Object data) {
            return data instanceof byte[] ? ((byte[]) data).length : 0;
        }

        @Override
        public void stop() {}

        @Override
        public String version() {
            return "1";
        }
    }
}
