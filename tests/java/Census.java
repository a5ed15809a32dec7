import java.util.Map;
import java.util.TreeMap;

/** Counts values and sums their FNV-1a hashes per partition: equal sums mean equal contents in any order. */
final class Census {
    private final Map<Integer, long[]> partitions = new TreeMap<>();

    void add(int partition, byte[] value) {
        long[] seen = partitions.computeIfAbsent(partition, p -> new long[2]);
        seen[0]++;
        seen[1] += hash(value);
    }

    private static long hash(byte[] value) {
        long hash = 0xcbf29ce484222325L;
        if (value != null) {
            for (byte b : value) {
                hash = (hash ^ (b & 0xff)) * 0x100000001b3L;
            }
        }
        return hash;
    }

    /** One word per partition: number, count and sum, as "3:1000:9f…". */
    @Override
    public String toString() {
        StringBuilder out = new StringBuilder();
        partitions.forEach((p, seen) -> out.append('\t').append(p).append(':').append(seen[0]).append(':').append(Long.toHexString(seen[1])));
        return out.toString();
    }
}
