import java.io.FileReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import kafka.Kafka;
import kafka.tools.StorageTool;

/**
 * A one-node KRaft broker: formats its log folder unless an earlier run has left data there, then serves.
 * Argument: the server's properties file.
 */
public final class Broker {
    private Broker() {}

    public static void main(String[] args) throws Exception {
        Properties settings = new Properties();
        try (FileReader file = new FileReader(args[0])) {
            settings.load(file);
        }
        if (Files.notExists(Path.of(settings.getProperty("log.dirs"), "meta.properties"))) {
            String clusterId = org.apache.kafka.common.Uuid.randomUuid().toString();
            StorageTool.execute(new String[] {"format", "-t", clusterId, "-c", args[0]}, System.out);
        }
        Kafka.main(new String[] {args[0]});
    }
}
