import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.sourcelab.kafka.connect.apiclient.Configuration;
import org.sourcelab.kafka.connect.apiclient.KafkaConnectClient;
import org.sourcelab.kafka.connect.apiclient.request.dto.ConnectorPluginConfigDefinition;
import org.sourcelab.kafka.connect.apiclient.request.dto.NewConnectorDefinition;

/** A connector's life through kafka-connect-client. Arguments: the worker's URL, the topic, the file to write. */
public final class Client {
    private static final long LIMIT_MILLIS = 60_000;
    private static final String SINK = "org.apache.kafka.connect.file.FileStreamSinkConnector";

    private Client() {}

    /** Asks again until the event has come; a refusal while the cluster rebalances is no answer. */
    private static void until(String what, Callable<Boolean> event) throws Exception {
        long deadline = System.currentTimeMillis() + LIMIT_MILLIS;
        Exception last = null;
        while (System.currentTimeMillis() < deadline) {
            try {
                if (event.call()) {
                    return;
                }
            } catch (Exception e) {
                last = e;
            }
            Thread.sleep(50);
        }
        throw new IllegalStateException(what, last);
    }

    private static void states(KafkaConnectClient client, String connector, String... tasks) throws Exception {
        until(connector + " with " + List.of(tasks), () -> {
            var status = client.getConnectorStatus("jv");
            var states = status.getTasks().stream().map(task -> task.getState()).toList();
            return status.getConnector().get("state").equals(connector) && states.equals(List.of(tasks));
        });
    }

    private static void check(boolean holds, Object seen) {
        if (!holds) {
            throw new IllegalStateException(String.valueOf(seen));
        }
    }

    public static void main(String[] args) throws Exception {
        var client = new KafkaConnectClient(new Configuration(args[0]));
        Map<String, String> config = new HashMap<>(Map.of(
            "connector.class", SINK, "tasks.max", "1", "topics", args[1], "file", args[2]));
        check(!client.getConnectServerVersion().getVersion().isEmpty(), "version");
        var plugins = client.getConnectorPlugins();
        check(plugins.stream().anyMatch(plugin -> plugin.getClassName().equals(SINK)), plugins);
        validate(client, config);
        var definition = NewConnectorDefinition.newBuilder().withName("jv").withConfig(config).build();
        check(client.addConnector(definition).getName().equals("jv"), "created");
        states(client, "RUNNING", "RUNNING");
        check(client.getConnectors().contains("jv"), "listed");
        check(client.getConnectorsWithAllExpandedMetadata() != null, "expanded");
        check(client.getConnector("jv").getType().equals("sink"), "type");
        check(client.getConnectorConfig("jv").get("topics").equals(args[1]), "config");
        check(client.pauseConnector("jv"), "pause");
        states(client, "PAUSED", "PAUSED");
        check(client.resumeConnector("jv"), "resume");
        states(client, "RUNNING", "RUNNING");
        check(client.restartConnector("jv"), "restart");
        states(client, "RUNNING", "RUNNING");
        check(client.restartConnectorTask("jv", 0), "restart of a task");
        states(client, "RUNNING", "RUNNING");
        config.put("tasks.max", "2");
        client.updateConnectorConfig("jv", config);
        states(client, "RUNNING", "RUNNING", "RUNNING");
        check(client.getConnectorTasks("jv").size() == 2, "tasks");
        check(client.getConnectorTaskStatus("jv", 1).getState().equals("RUNNING"), "status of a task");
        until("the topic in use", () -> client.getConnectorTopics("jv").getTopics().contains(args[1]));
        check(client.resetConnectorTopics("jv"), "reset of topics");
        check(client.deleteConnector("jv"), "delete");
        until("the empty list", () -> client.getConnectors().isEmpty());
        System.out.println("all done");
    }

    private static void validate(KafkaConnectClient client, Map<String, String> config) {
        var good = new HashMap<>(config);
        good.put("name", "jv");
        int errors = client.validateConnectorPluginConfig(ConnectorPluginConfigDefinition.newBuilder()
            .withName("FileStreamSinkConnector").withConfig(good).build()).getErrorCount();
        check(errors == 0, errors);
        good.put("tasks.max", "x");
        errors = client.validateConnectorPluginConfig(ConnectorPluginConfigDefinition.newBuilder()
            .withName("FileStreamSinkConnector").withConfig(good).build()).getErrorCount();
        check(errors > 0, errors);
    }
}
