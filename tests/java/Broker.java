import kafka.Kafka;
import kafka.tools.StorageTool;

/** A one-node KRaft broker: formats its log folder, then serves. Argument: the server's properties file. */
public final class Broker {
    private Broker() {}

    public static void main(String[] args) {
        String clusterId = org.apache.kafka.common.Uuid.randomUuid().toString();
        StorageTool.execute(new String[] {"format", "-t", clusterId, "-c", args[0]}, System.out);
        Kafka.main(new String[] {args[0]});
    }
}
