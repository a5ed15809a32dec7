import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.header.ConnectHeaders;
import org.apache.kafka.connect.header.Header;
import org.apache.kafka.connect.header.Headers;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.storage.Converter;
import org.apache.kafka.connect.storage.HeaderConverter;
import org.apache.kafka.connect.storage.StringConverter;
import org.apache.kafka.connect.transforms.Transformation;
import org.apache.kafka.connect.transforms.predicates.Predicate;

/** What Connect's own converters, transformations and predicates make of cases: a line of JSON in, a line out. */
final class Parity {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    // A JsonConverter is slow to make, and one may serve many records.
    private final Map<String, Object> converters = new HashMap<>();
    private final Converter withSchemas = new JsonConverter();
    private final Converter withoutSchemas = new JsonConverter();
    private final Converter asText = new StringConverter();

    private Parity() {
        withSchemas.configure(Map.of("schemas.enable", "true"), false);
        withoutSchemas.configure(Map.of("schemas.enable", "false"), false);
        asText.configure(Map.of(), false);
    }

    public static void main(String[] args) throws IOException {
        Parity parity = new Parity();
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            out.println(JSON.writeValueAsString(parity.run(JSON.readTree(line))));
        }
        out.flush();
    }

    /** A transformation with its predicate, as one of the runtime's stages. */
    private record Stage(Transformation<SinkRecord> transformation, Predicate<SinkRecord> predicate, boolean negate) {
        SinkRecord apply(SinkRecord record) {
            boolean applies = predicate == null || negate ^ predicate.test(record);
            return applies ? transformation.apply(record) : record;
        }
    }

    private interface Step<T> {
        T run() throws Exception;
    }

    /** What went wrong, and where: the answer to a case. */
    private static final class Failed extends RuntimeException {
        final ObjectNode answer = NODES.objectNode();

        Failed(String kind, String stage, String executing, Throwable cause) {
            super(cause);
            ObjectNode failure = answer.putObject(kind);
            failure.put("stage", stage).put("executing", executing);
            failure.setAll(describe(cause));
            ArrayNode causes = failure.putArray("causes");
            for (Throwable c = cause.getCause(); c != null; c = c.getCause()) {
                causes.add(c.getClass().getName() + ": " + c.getMessage());
            }
        }
    }

    private static ObjectNode describe(Throwable error) {
        return NODES.objectNode().put("class", error.getClass().getName()).put("message", error.getMessage());
    }

    private static <T> T attempt(String kind, String stage, String executing, Step<T> step) {
        try {
            return step.run();
        } catch (Exception | StackOverflowError e) {
            throw new Failed(kind, stage, executing, e);
        }
    }

    private ObjectNode run(JsonNode input) {
        try {
            return input.has("definitions") ? definitions(input.get("definitions").asText()) : answer(input);
        } catch (Failed failed) {
            return failed.answer;
        }
    }

    private ObjectNode answer(JsonNode input) {
        Converter keys = converter(input.get("key"), "key");
        Converter values = converter(input.get("value"), "value");
        HeaderConverter headers = headerConverter(input.get("header"));
        List<Stage> stages = stages(settings(input.get("transforms")));
        JsonNode raw = input.get("record");
        String topic = raw.get("topic").asText();
        SchemaAndValue key = attempt("failed", "KEY_CONVERTER", keys.getClass().getName(),
            () -> keys.toConnectData(topic, null, bytes(raw.get("key"))));
        SchemaAndValue value = attempt("failed", "VALUE_CONVERTER", values.getClass().getName(),
            () -> values.toConnectData(topic, null, bytes(raw.get("value"))));
        Headers converted = attempt("failed", "HEADER_CONVERTER", headers.getClass().getName(),
            () -> headers(headers, topic, raw.get("headers")));
        Long timestamp = raw.get("timestamp").isNull() ? null : raw.get("timestamp").asLong();
        SinkRecord record = new SinkRecord(topic, raw.get("partition").asInt(), key.schema(), key.value(),
            value.schema(), value.value(), raw.get("offset").asLong(), timestamp, TimestampType.CREATE_TIME, converted);
        for (Stage stage : stages) {
            SinkRecord current = record;
            record = attempt("failed", "TRANSFORMATION", stage.transformation().getClass().getName(), () -> stage.apply(current));
            if (record == null) {
                return NODES.objectNode().put("dropped", true);
            }
        }
        return show(record, keys, values, headers);
    }

    /** The settings that a class knows, in their order. */
    private static ObjectNode definitions(String name) {
        ConfigDef definition = attempt("refused", "config", name, () -> {
            Object made = Class.forName(name).getDeclaredConstructor().newInstance();
            return (ConfigDef) made.getClass().getMethod("config").invoke(made);
        });
        ObjectNode shown = NODES.objectNode();
        for (ConfigDef.ConfigKey key : definition.configKeys().values()) {
            ObjectNode one = shown.putObject(key.name);
            one.put("type", key.type.name()).put("importance", key.importance.name());
            one.put("required", !key.hasDefault()).put("default", ConfigDef.convertToString(key.hasDefault() ? key.defaultValue : null, key.type));
            one.put("group", key.group).put("order", key.orderInGroup).put("width", key.width.name()).put("display", key.displayName);
        }
        return shown;
    }

    private Converter converter(JsonNode choice, String role) {
        return (Converter) converters.computeIfAbsent(role + choice, unused -> make(choice, role, made ->
            ((Converter) made).configure(settings(choice.get("settings")), role.equals("key"))));
    }

    private HeaderConverter headerConverter(JsonNode choice) {
        Map<String, Object> settings = settings(choice.get("settings"));
        settings.put("converter.type", "header");
        return (HeaderConverter) converters.computeIfAbsent("header" + choice, unused ->
            make(choice, "header", made -> ((HeaderConverter) made).configure(settings)));
    }

    private static Object make(JsonNode choice, String role, Consumer<Object> configure) {
        String name = choice.get("class").asText();
        return attempt("refused", role + ".converter", name, () -> {
            Object made = Class.forName(name).getDeclaredConstructor().newInstance();
            configure.accept(made);
            return made;
        });
    }

    @SuppressWarnings("unchecked")
    private static List<Stage> stages(Map<String, Object> settings) {
        List<Stage> stages = new ArrayList<>();
        String aliases = (String) settings.getOrDefault("transforms", "");
        for (String alias : aliases.isEmpty() ? new String[0] : aliases.split(",")) {
            Map<String, Object> own = below(settings, "transforms." + alias + ".");
            String name = (String) own.get("type");
            stages.add(attempt("refused", "transforms", "", () -> wrapping(() -> {
                Object predicate = own.remove("predicate");
                Object negate = own.remove("negate");
                var made = (Transformation<SinkRecord>) Class.forName(name).getDeclaredConstructor().newInstance();
                made.configure(own);
                return new Stage(made, predicate == null ? null : predicate(settings, predicate),
                    negate != null && Boolean.parseBoolean(negate.toString()));
            })));
        }
        return stages;
    }

    /** As ConnectorConfig.transformationStages does with what a class says to its settings. */
    private static <T> T wrapping(Step<T> step) {
        try {
            return step.run();
        } catch (Exception e) {
            throw new ConnectException(e);
        }
    }

    @SuppressWarnings("unchecked")
    private static Predicate<SinkRecord> predicate(Map<String, Object> settings, Object alias) throws Exception {
        Map<String, Object> own = below(settings, "predicates." + alias + ".");
        var made = (Predicate<SinkRecord>) Class.forName((String) own.get("type")).getDeclaredConstructor().newInstance();
        made.configure(own);
        return made;
    }

    private static Map<String, Object> below(Map<String, Object> settings, String prefix) {
        Map<String, Object> below = new HashMap<>();
        settings.forEach((key, value) -> {
            if (key.startsWith(prefix)) {
                below.put(key.substring(prefix.length()), value);
            }
        });
        return below;
    }

    private static Headers headers(HeaderConverter converter, String topic, JsonNode raw) {
        Headers headers = new ConnectHeaders();
        for (JsonNode header : raw) {
            String name = header.get(0).asText();
            headers.add(name, converter.toConnectHeader(topic, name, bytes(header.get(1))));
        }
        return headers;
    }

    private ObjectNode show(SinkRecord record, Converter keys, Converter values, HeaderConverter headers) {
        ObjectNode shown = NODES.objectNode();
        shown.put("topic", record.topic()).put("partition", record.kafkaPartition()).put("timestamp", record.timestamp());
        shown.set("key", side(record.topic(), record.keySchema(), record.key(), keys));
        shown.set("value", side(record.topic(), record.valueSchema(), record.value(), values));
        ArrayNode list = shown.putArray("headers");
        for (Header header : record.headers()) {
            ObjectNode one = list.addObject().put("name", header.key());
            one.put("text", String.valueOf(header.value())).put("types", types(header.value()));
            one.set("json", encoded(() -> withSchemas.fromConnectData(record.topic(), header.schema(), header.value())));
            one.set("own", encoded(() -> headers.fromConnectHeader(record.topic(), header.key(), header.schema(), header.value())));
        }
        return shown;
    }

    private ObjectNode side(String topic, Schema schema, Object value, Converter own) {
        ObjectNode side = NODES.objectNode();
        side.put("text", String.valueOf(value)).put("types", types(value));
        side.set("envelope", encoded(() -> withSchemas.fromConnectData(topic, schema, value)));
        side.set("plain", encoded(() -> withoutSchemas.fromConnectData(topic, schema, value)));
        side.set("string", encoded(() -> asText.fromConnectData(topic, schema, value)));
        side.set("own", encoded(() -> own.fromConnectData(topic, schema, value)));
        return side;
    }

    /** The classes inside a value, which its text does not tell. */
    private static String types(Object value) {
        if (value == null) {
            return "null";
        } else if (value instanceof byte[] || value instanceof ByteBuffer) {
            return "bytes";
        } else if (value instanceof List<?> list) {
            return list.stream().map(Parity::types).collect(Collectors.joining(",", "[", "]"));
        } else if (value instanceof Map<?, ?> map) {
            return map.entrySet().stream().map(e -> types(e.getKey()) + ":" + types(e.getValue())).collect(Collectors.joining(",", "{", "}"));
        } else if (value instanceof Struct struct) {
            return struct.schema().fields().stream().map((Field f) -> f.name() + ":" + types(struct.getWithoutDefault(f.name())))
                .collect(Collectors.joining(",", "(", ")"));
        }
        return value.getClass().getName();
    }

    private static JsonNode encoded(Step<byte[]> step) {
        try {
            return shown(step.run());
        } catch (Exception | StackOverflowError e) {
            return NODES.objectNode().set("error", describe(e));
        }
    }

    private static JsonNode shown(byte[] bytes) {
        if (bytes == null) {
            return NODES.nullNode();
        }
        String text = new String(bytes, StandardCharsets.UTF_8);
        boolean isText = Arrays.equals(text.getBytes(StandardCharsets.UTF_8), bytes);
        return isText ? NODES.textNode(text) : NODES.objectNode().put("hex", HexFormat.of().formatHex(bytes));
    }

    private static byte[] bytes(JsonNode shown) {
        if (shown.isNull()) {
            return null;
        }
        return shown.isTextual() ? shown.asText().getBytes(StandardCharsets.UTF_8) : HexFormat.of().parseHex(shown.get("hex").asText());
    }

    private static Map<String, Object> settings(JsonNode object) {
        Map<String, Object> settings = new HashMap<>();
        object.properties().forEach(entry -> settings.put(entry.getKey(), entry.getValue().asText()));
        return settings;
    }
}
