import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.runtime.standalone.StandaloneConfig;
import org.apache.kafka.connect.storage.FileOffsetBackingStore;
import org.apache.kafka.connect.storage.OffsetStorageReaderImpl;

/**
 * Kafka Connect's file of offsets: tells the positions that it has for a connector's files, and then stores another
 * position for each.
 *
 * Arguments: the offsets' file, the connector, what to add to each position, the files.
 */
public final class Offsets {
    private Offsets() {}

    public static void main(String[] args) throws Exception {
        String connector = args[1];
        long added = Long.parseLong(args[2]);
        JsonConverter keys = converter(true);
        JsonConverter values = converter(false);
        FileOffsetBackingStore store = new FileOffsetBackingStore(keys);
        store.configure(new StandaloneConfig(Map.of(
            "bootstrap.servers", "none:1",
            "key.converter", "org.apache.kafka.connect.storage.StringConverter",
            "value.converter", "org.apache.kafka.connect.storage.StringConverter",
            "offset.storage.file.filename", args[0])));
        store.start();
        OffsetStorageReaderImpl reader = new OffsetStorageReaderImpl(store, connector, keys, values);
        Map<String, Object> found = new TreeMap<>();
        Map<ByteBuffer, ByteBuffer> next = new HashMap<>();
        for (int at = 3; at < args.length; at++) {
            Map<String, Object> partition = Map.of("filename", args[at]);
            Map<String, Object> offset = reader.offset(partition);
            found.put(args[at], offset);
            if (offset != null) {
                Map<String, Object> moved = Map.of("position", (Long) offset.get("position") + added);
                byte[] key = keys.fromConnectData("", null, List.of(connector, partition));
                next.put(ByteBuffer.wrap(key), ByteBuffer.wrap(values.fromConnectData("", null, moved)));
            }
        }
        store.set(next, null).get();
        store.stop();
        byte[] answer = found.toString().getBytes(StandardCharsets.UTF_8);
        System.out.write(answer, 0, answer.length);
        System.out.flush();
    }

    private static JsonConverter converter(boolean isKey) {
        JsonConverter converter = new JsonConverter();
        converter.configure(Map.of("schemas.enable", "false"), isKey);
        return converter;
    }
}
