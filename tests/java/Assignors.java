import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.PrintStream;
import java.lang.reflect.Field;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.kafka.clients.GroupRebalanceConfig;
import org.apache.kafka.common.message.JoinGroupResponseData.JoinGroupResponseMember;
import org.apache.kafka.common.metrics.Metrics;
import org.apache.kafka.common.utils.LogContext;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.connect.runtime.distributed.ConnectAssignor;
import org.apache.kafka.connect.runtime.distributed.ConnectProtocol;
import org.apache.kafka.connect.runtime.distributed.ConnectProtocolCompatibility;
import org.apache.kafka.connect.runtime.distributed.EagerAssignor;
import org.apache.kafka.connect.runtime.distributed.ExtendedAssignment;
import org.apache.kafka.connect.runtime.distributed.ExtendedWorkerState;
import org.apache.kafka.connect.runtime.distributed.IncrementalCooperativeAssignor;
import org.apache.kafka.connect.runtime.distributed.IncrementalCooperativeConnectProtocol;
import org.apache.kafka.connect.runtime.distributed.WorkerCoordinator;
import org.apache.kafka.connect.storage.ClusterConfigState;
import org.apache.kafka.connect.util.ConnectorTaskId;

/**
 * What Connect's own leaders answer groups that come and go, and what its workers read in damaged bytes: lines of JSON.
 *
 * <p>Arguments: the seed and the number of groups.
 */
final class Assignors {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final LogContext LOG = new LogContext();
    // "Aa" and "BB" have the same hash code; the emoji sorts before the wave dash only as UTF-16.
    private static final String[] CONNECTORS = {
        "orders", "sink", "AaAa", "AaBB", "BBAa", "BBBB", "\ud83d\ude00-jobs", "\uff5e-late", "a", "file-source", "Z", "x-1",
    };

    public static void main(String[] args) throws Exception {
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        Random seeds = new Random(Long.parseLong(args[0]));
        for (int group = 0; group < Integer.parseInt(args[1]); group++) {
            out.println(JSON.writeValueAsString(new Group(new Random(seeds.nextLong())).run()));
            for (int bytes = 0; bytes < 4; bytes++) {
                out.println(JSON.writeValueAsString(damaged(new Random(seeds.nextLong()))));
            }
        }
        out.flush();
    }

    /**
     * Bytes that may be damaged, and what becomes of them: nothing, or what Java writes for what it has read.
     *
     * <p>A task below zero is an error here: Java takes it and cannot do anything with it.
     */
    private static ObjectNode damaged(Random random) {
        ExtendedAssignment held = random.nextInt(4) == 0 ? null : new ExtendedAssignment((short) random.nextInt(3),
            (short) random.nextInt(2), "w1", "http://h1:8083/", random.nextInt(99), connectors(random), tasks(random),
            connectors(random), tasks(random), random.nextInt(3));
        boolean sessioned = random.nextBoolean();
        byte[] bytes = IncrementalCooperativeConnectProtocol.serializeMetadata(new ExtendedWorkerState("http://h2:8083/", 7, held),
            sessioned).array();
        if (held != null && random.nextInt(3) == 0) {
            // As metadata that ends inside the assignment, but knows its length.
            int start = 2 + 2 + "http://h2:8083/".length() + 8;
            bytes = Arrays.copyOf(bytes, start + 4 + random.nextInt(bytes.length - start - 3));
            ByteBuffer.wrap(bytes).putInt(start, bytes.length - start - 4);
        } else if (random.nextInt(3) == 0) {
            bytes = Arrays.copyOf(bytes, random.nextInt(bytes.length + 8));
        }
        for (int changes = random.nextInt(4); changes > 0 && bytes.length > 0; changes--) {
            int[] values = {0, 1, 2, 0x7f, 0x80, 0xfe, 0xff, random.nextInt(256)};
            bytes[random.nextInt(bytes.length)] = (byte) values[random.nextInt(values.length)];
        }
        ObjectNode line = JSON.createObjectNode().put("bytes", HexFormat.of().formatHex(bytes));
        try {
            ExtendedWorkerState read = IncrementalCooperativeConnectProtocol.deserializeMetadata(ByteBuffer.wrap(bytes));
            Stream<ConnectorTaskId> tasks = Stream.concat(read.assignment().tasks().stream(), read.assignment().revokedTasks().stream());
            if (tasks.noneMatch(task -> task.task() < 0)) {
                byte[] again = IncrementalCooperativeConnectProtocol.serializeMetadata(read, true).array();
                return line.put("version", read.assignment().version()).put("read", HexFormat.of().formatHex(again));
            }
        } catch (RuntimeException malformed) {
            // Nothing was read.
        }
        return line.putNull("read");
    }

    private static List<String> connectors(Random random) {
        return IntStream.range(0, random.nextInt(4)).mapToObj(i -> CONNECTORS[random.nextInt(CONNECTORS.length)]).toList();
    }

    private static List<ConnectorTaskId> tasks(Random random) {
        return connectors(random).stream().map(name -> new ConnectorTaskId(name, random.nextInt(5))).toList();
    }

    /** A leader's assignor whose memory can be read. */
    private static final class Watched extends IncrementalCooperativeAssignor {
        Watched(Time time, int maxDelay) {
            super(LOG, time, maxDelay);
        }

        void show(ObjectNode answer) {
            answer.put("delay", delay);
            answer.put("scheduled", scheduledRebalance);
            ArrayNode candidates = answer.putArray("candidates");
            candidateWorkersForReassignment.forEach(candidates::add);
        }
    }

    /** What an assignor asks its worker for. */
    private static final class Coordinator extends WorkerCoordinator {
        ClusterConfigState snapshot;
        ClusterConfigState fresh;
        LeaderState leaderState;
        int generation;
        int lastCompleted = -1;

        Coordinator() {
            super(new GroupRebalanceConfig(10_000, 60_000, 3_000, "group", Optional.empty(), null, 100, 1_000), LOG, null,
                new Metrics(), "worker", Time.SYSTEM, "http://unused/", null, null, ConnectProtocolCompatibility.SESSIONED, 0);
        }

        @Override
        public ClusterConfigState configSnapshot() {
            return snapshot;
        }

        @Override
        public ClusterConfigState configFreshSnapshot() {
            return fresh;
        }

        @Override
        public void configSnapshot(ClusterConfigState update) {
            snapshot = update;
        }

        @Override
        public void leaderState(LeaderState update) {
            leaderState = update;
        }

        @Override
        public int generationId() {
            return generation;
        }

        @Override
        public int lastCompletedGenerationId() {
            return lastCompleted;
        }

        @Override
        public String memberId() {
            return "";
        }
    }

    /** A worker with its own memory of the group. */
    private static final class Worker {
        final String id;
        final String url;
        final Watched assignor;
        final Coordinator coordinator = new Coordinator();
        long offset;
        ExtendedAssignment held;
        /** Whether it holds what it was told, and nothing else. */
        boolean intact = true;

        Worker(String id, String url, Time time, int maxDelay) {
            this.id = id;
            this.url = url;
            this.assignor = new Watched(time, maxDelay);
        }
    }

    private static final class Group {
        final Random random;
        final int maxDelay;
        final Time time;
        final List<Worker> workers = new ArrayList<>();
        final Set<String> ids = new HashSet<>();
        final Map<String, Integer> configured = new TreeMap<>();
        ConnectProtocolCompatibility protocol;
        long now = 1_000_000;
        long offset = 1;
        int generation;
        int delay;
        int born;
        final int size;

        Group(Random random) {
            this.random = random;
            int[] delays = {300_000, 300_000, 300_000, 600_000, 60_000, 2_000, 30, 1, 0};
            maxDelay = delays[random.nextInt(delays.length)];
            time = (Time) Proxy.newProxyInstance(Time.class.getClassLoader(), new Class<?>[] {Time.class},
                (proxy, method, arguments) -> method.getName().equals("milliseconds") ? now : null);
            protocol = random.nextInt(8) == 0 ? ConnectProtocolCompatibility.EAGER
                : random.nextInt(3) == 0 ? ConnectProtocolCompatibility.COMPATIBLE : ConnectProtocolCompatibility.SESSIONED;
            // A few groups are large enough that hash tables grow.
            size = random.nextInt(25) == 0 ? 20 : 5;
            int members = 1 + random.nextInt(size);
            for (int i = 0; i < members; i++) {
                join();
            }
            int connectors = random.nextInt(size + 2);
            for (int i = 0; i < connectors; i++) {
                configure();
            }
        }

        boolean once(int times) {
            return random.nextInt(times) == 0;
        }

        Worker any() {
            return workers.get(random.nextInt(workers.size()));
        }

        void join() {
            born++;
            String id = once(3) ? (once(2) ? "w-Aa" : "w-BB") + (once(2) ? "Aa" : "BB") + born / 4
                : "w" + born + "-" + new UUID(random.nextLong(), random.nextLong());
            if (ids.add(id)) {
                workers.add(new Worker(id, "http://h" + born + ":8083/", time, maxDelay));
            }
        }

        void configure() {
            String name = CONNECTORS[random.nextInt(CONNECTORS.length)] + (size > 5 ? random.nextInt(9) : "");
            configured.put(name, random.nextInt(size > 5 && once(3) ? 40 : 4));
            offset += 2;
        }

        /** What may happen between two rounds. */
        void live() {
            long[] steps = {
                0, 1, delay, delay - 1, delay + 1, random.nextInt(50), random.nextInt(5_000), random.nextInt(1 + delay), random.nextInt(400_000),
            };
            now += Math.max(0, steps[random.nextInt(steps.length)]);
            if (once(4)) {
                join();
            }
            if (once(3) && workers.size() > 1) {
                // A leader that left takes its memory along.
                int gone = once(4) ? 0 : 1 + random.nextInt(workers.size() - 1);
                workers.remove(gone);
                if (once(3)) {
                    join();
                }
            }
            if (once(5)) {
                configure();
            }
            if (once(7) && !configured.isEmpty()) {
                configured.remove(new ArrayList<>(configured.keySet()).get(random.nextInt(configured.size())));
                offset++;
            }
            if (once(12)) {
                // The coordinator could not be reached for a while.
                Worker worker = any();
                worker.held = null;
                worker.intact = false;
            }
            if (once(12)) {
                takeFromAnother();
            }
            if (once(25)) {
                protocol = ConnectProtocolCompatibility.values()[random.nextInt(3)];
            }
            for (Worker worker : workers) {
                if (!once(6)) {
                    worker.offset = offset;
                }
            }
        }

        /** Two workers come to run the same. */
        void takeFromAnother() {
            Worker from = any();
            Worker to = any();
            if (from.held == null || to.held == null) {
                return;
            }
            from.held.connectors().stream().filter(connector -> once(2)).forEach(to.held.connectors()::add);
            from.held.tasks().stream().filter(task -> once(2)).forEach(to.held.tasks()::add);
            to.intact = false;
        }

        ObjectNode run() throws Exception {
            ObjectNode group = JSON.createObjectNode();
            group.put("maxDelay", maxDelay);
            ArrayNode rounds = group.putArray("rounds");
            int count = 3 + random.nextInt(12);
            for (int i = 0; i < count; i++) {
                if (i > 0 && !once(4)) {
                    live();
                } else {
                    now += delay;
                    workers.forEach(worker -> worker.offset = offset);
                }
                rounds.add(round());
            }
            return group;
        }

        ObjectNode round() throws Exception {
            generation++;
            // The leader is mostly the oldest member.
            Worker leader = once(15) ? any() : workers.get(0);
            List<Worker> order = new ArrayList<>(workers);
            Collections.shuffle(order, random);
            ObjectNode round = JSON.createObjectNode();
            round.put("now", now).put("generation", generation).put("lastCompleted", leader.coordinator.lastCompleted);
            round.put("protocol", protocol.protocol()).put("leader", leader.id);
            ArrayNode members = round.putArray("members");
            List<JoinGroupResponseMember> joined = new ArrayList<>();
            for (Worker worker : order) {
                byte[] metadata = metadata(worker);
                joined.add(new JoinGroupResponseMember().setMemberId(worker.id).setMetadata(metadata));
                members.addObject().put("id", worker.id).put("url", worker.url).put("offset", worker.offset)
                    .put("metadata", HexFormat.of().formatHex(metadata)).put("intact", worker.intact);
                if (!worker.intact && protocol != ConnectProtocolCompatibility.EAGER) {
                    // Whoever reads this knows again what the worker holds, if it holds it in the same order.
                    worker.held = worker.held == null ? null : ExtendedAssignment.duplicate(
                        IncrementalCooperativeConnectProtocol.deserializeMetadata(ByteBuffer.wrap(metadata)).assignment());
                    worker.intact = true;
                }
            }
            Coordinator coordinator = leader.coordinator;
            long fresh = once(3) ? leader.offset : offset;
            coordinator.snapshot = config(leader.offset);
            coordinator.fresh = config(fresh);
            coordinator.generation = generation;
            coordinator.leaderState = null;
            round.put("snapshot", leader.offset).put("fresh", fresh);
            ObjectNode counts = round.putObject("configured");
            configured.forEach(counts::put);
            boolean eager = protocol == ConnectProtocolCompatibility.EAGER;
            ConnectAssignor assignor = eager ? new EagerAssignor(LOG) : leader.assignor;
            Map<String, ByteBuffer> answers = assignor.performAssignment(leader.id, protocol, joined, coordinator);
            ObjectNode assignments = round.putObject("assignments");
            new TreeMap<>(answers).forEach((id, bytes) -> assignments.put(id, HexFormat.of().formatHex(bytes.array())));
            if (coordinator.leaderState != null) {
                owners(round.putObject("connectorOwners"), coordinator.leaderState, "connectorOwners");
                owners(round.putObject("taskOwners"), coordinator.leaderState, "taskOwners");
            }
            if (!eager) {
                leader.assignor.show(round.putObject("memory"));
            }
            for (Worker worker : workers) {
                if (once(25)) {
                    // It never got the answer.
                    worker.intact = false;
                    continue;
                }
                follow(worker, answers.get(worker.id).duplicate());
            }
            return round;
        }

        byte[] metadata(Worker worker) {
            ExtendedWorkerState state = new ExtendedWorkerState(worker.url, worker.offset, worker.held);
            return switch (protocol) {
                case EAGER -> ConnectProtocol.serializeMetadata(state).array();
                case COMPATIBLE -> IncrementalCooperativeConnectProtocol.serializeMetadata(state, false).array();
                case SESSIONED -> IncrementalCooperativeConnectProtocol.serializeMetadata(state, true).array();
            };
        }

        /** All snapshots name the same connectors: only their offsets count. */
        ClusterConfigState config(long offset) {
            Map<String, Map<String, String>> connectors = new HashMap<>();
            configured.keySet().forEach(name -> connectors.put(name, Map.of()));
            return new ClusterConfigState(offset, null, new HashMap<>(configured), connectors, Map.of(), Map.of(), Map.of(),
                Map.of(), Map.of(), Set.of(), Set.of());
        }

        private static void owners(ObjectNode into, WorkerCoordinator.LeaderState state, String name) throws Exception {
            Field field = WorkerCoordinator.LeaderState.class.getDeclaredField(name);
            field.setAccessible(true);
            Map<String, String> owners = new TreeMap<>();
            ((Map<?, ?>) field.get(state)).forEach((item, owner) -> owners.put(item.toString(), (String) owner));
            owners.forEach(into::put);
        }

        /** What a worker does with an answer. */
        void follow(Worker worker, ByteBuffer answer) {
            ExtendedAssignment told = IncrementalCooperativeConnectProtocol.deserializeAssignment(answer);
            delay = told.delay();
            worker.coordinator.lastCompleted = generation;
            boolean stubborn = once(25);
            if (protocol != ConnectProtocolCompatibility.EAGER && worker.held != null) {
                if (!stubborn) {
                    worker.held.connectors().removeAll(told.revokedConnectors());
                    worker.held.tasks().removeAll(told.revokedTasks());
                }
                told.connectors().addAll(worker.held.connectors());
                told.tasks().addAll(worker.held.tasks());
            }
            worker.intact = !stubborn && (worker.intact || protocol == ConnectProtocolCompatibility.EAGER);
            told = ExtendedAssignment.duplicate(told);
            if (!once(20)) {
                told.revokedConnectors().clear();
                told.revokedTasks().clear();
            } else {
                worker.intact = false;
            }
            worker.held = told;
        }
    }
}
