import java.io.FileReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import kafka.Kafka;
import kafka.tools.StorageTool;

/**
 * A KRaft broker and controller: formats its log folder unless an earlier run has left data there, then serves.
 * Arguments: the server's properties file and the cluster's id.
 */
public final class Broker {
    private Broker() {}

    public static void main(String[] args) throws Exception {
        Properties settings = new Properties();
        try (FileReader file = new FileReader(args[0])) {
            settings.load(file);
        }
        if (Files.notExists(Path.of(settings.getProperty("log.dirs"), "meta.properties"))) {
            StorageTool.execute(new String[] {"format", "-t", args[1], "-c", args[0]}, System.out);
        }
        Kafka.main(new String[] {args[0]});
    }
}
