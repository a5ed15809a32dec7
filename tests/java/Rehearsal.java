import java.io.ByteArrayInputStream;
import java.net.HttpURLConnection;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.apache.kafka.connect.cli.ConnectDistributed;

/**
 * A broker, its lab, and a worker of Kafka Connect that drains a topic into a file, in one process: what it loads is what
 * the tests' processes load. Run with -XX:ArchiveClassesAtExit, it leaves an archive with which they start in half the
 * time.
 *
 * Argument: a folder, which must be there.
 */
public final class Rehearsal {
    private static final long LIMIT_MS = 120_000;

    private Rehearsal() {}

    public static void main(String[] args) throws Exception {
        Path folder = Path.of(args[0]).toAbsolutePath();
        int broker = freePort();
        int rest = freePort();
        String bootstrap = "127.0.0.1:" + broker;
        Path server = Files.writeString(folder.resolve("server.properties"), brokerSettings(folder, broker, freePort()));
        Path worker = Files.writeString(folder.resolve("worker.properties"), workerSettings(bootstrap, rest));
        start("broker", () -> Broker.main(new String[] {server.toString(), "ZmVycm92aWEtdGVzdHMtMQ"}));
        until("the broker", () -> answers(broker));
        // The lab ends the process at the end of its commands: this input has none.
        System.setIn(commands());
        start("lab", () -> Lab.main(new String[] {bootstrap}));
        start("worker", () -> ConnectDistributed.main(new String[] {worker.toString()}));
        until("the worker", () -> status("GET", rest, "/health", null) == 200);
        Path file = folder.resolve("sink.txt");
        String sink = "{\"connector.class\": \"FileStreamSink\", \"topics\": \"t\", \"file\": \"" + file
                + "\", \"consumer.override.auto.offset.reset\": \"earliest\"}";
        until("the sink", () -> status("PUT", rest, "/connectors/sink/config", sink) < 300);
        until("the file", () -> Files.exists(file) && Files.size(file) > 0);
        // Nothing is left to be tidied up: broker and worker need not be ended in order.
        Runtime.getRuntime().halt(0);
    }

    private static String brokerSettings(Path folder, int port, int controller) {
        return String.join("\n",
                "process.roles=broker,controller",
                "node.id=1",
                "controller.quorum.voters=1@127.0.0.1:" + controller,
                "listeners=PLAINTEXT://127.0.0.1:" + port + ",CONTROLLER://127.0.0.1:" + controller,
                "controller.listener.names=CONTROLLER",
                "log.dirs=" + folder.resolve("data"),
                "offsets.topic.num.partitions=1",
                "offsets.topic.replication.factor=1",
                "transaction.state.log.num.partitions=1",
                "transaction.state.log.replication.factor=1",
                "transaction.state.log.min.isr=1",
                "group.initial.rebalance.delay.ms=0");
    }

    private static String workerSettings(String bootstrap, int port) {
        String converter = "org.apache.kafka.connect.storage.StringConverter";
        return String.join("\n",
                "bootstrap.servers=" + bootstrap,
                "listeners=http://127.0.0.1:" + port,
                "group.id=rehearsal",
                "plugin.discovery=service_load",
                "key.converter=" + converter,
                "value.converter=" + converter,
                "config.storage.topic=config",
                "offset.storage.topic=offset",
                "status.storage.topic=status",
                "config.storage.replication.factor=1",
                "offset.storage.replication.factor=1",
                "status.storage.replication.factor=1",
                "offset.storage.partitions=1",
                "status.storage.partitions=1");
    }

    /** What a lab is told, and no end after it. */
    private static ByteArrayInputStream commands() {
        String[] lines = {
            "create\tt\t2",
            "produce\tt\t2\t100\t100\ttext\tlz4\t1\t0\t0\t0",
            "create\tc\t1",
            "transact\tc\t1\t10\t100\tnone\t1\tca",
            "scan\tt\tread_committed",
            "read\tt\tread_uncommitted",
            "ends\tt",
            "committed\tnobody",
        };
        byte[] bytes = (String.join("\n", lines) + "\n").getBytes(StandardCharsets.UTF_8);
        return new ByteArrayInputStream(bytes) {
            @Override
            public synchronized int read(byte[] into, int offset, int length) {
                int count = super.read(into, offset, length);
                while (count < 0) {
                    pause();
                }
                return count;
            }
        };
    }

    private interface Step {
        void run() throws Exception;
    }

    private static void start(String name, Step step) {
        Thread thread = new Thread(() -> {
            try {
                step.run();
            } catch (Exception e) {
                e.printStackTrace();
                Runtime.getRuntime().halt(1);
            }
        }, name);
        thread.setDaemon(true);
        thread.start();
    }

    private static void until(String what, Callable<Boolean> event) throws Exception {
        long end = System.currentTimeMillis() + LIMIT_MS;
        while (!event.call()) {
            if (System.currentTimeMillis() > end) {
                System.err.println("missing: " + what);
                Runtime.getRuntime().halt(1);
            }
            pause();
        }
    }

    private static void pause() {
        try {
            Thread.sleep(20);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static boolean answers(int port) {
        try {
            new java.net.Socket("127.0.0.1", port).close();
            return true;
        } catch (java.io.IOException e) {
            return false;
        }
    }

    /** The status of an answer; 999 while there is none. */
    private static int status(String method, int port, String path, String body) {
        try {
            URI at = URI.create("http://127.0.0.1:" + port + path);
            HttpURLConnection request = (HttpURLConnection) at.toURL().openConnection();
            request.setRequestMethod(method);
            if (body != null) {
                request.setDoOutput(true);
                request.setRequestProperty("Content-Type", "application/json");
                request.getOutputStream().write(body.getBytes(StandardCharsets.UTF_8));
            }
            return request.getResponseCode();
        } catch (java.io.IOException e) {
            return 999;
        }
    }

    private static int freePort() throws java.io.IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }
}
