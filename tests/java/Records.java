import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Values from a seed. Every value is unique within its topic and names its own place in it:
 * five digits of partition, ":", ten digits of sequence, ":" and a filler up to the size.
 */
final class Records {
    private static final byte[] ALPHABET =
        "abcdefghijklmnopqrstuvwxyz0123456789 ABCDEFGHIJKLMNOPQRSTUVWXYZ-".getBytes(StandardCharsets.US_ASCII);
    private static final String[] CITIES = {"Arezzo", "Bremen", "Coimbra", "Dijon", "Esbjerg", "Firenze", "Gdansk", "Huesca"};
    private static final String[] STATES = {"created", "paid", "packed", "shipped", "delivered", "returned"};
    private long state;

    Records(long seed) {
        state = seed * 0x9E3779B97F4A7C15L | 1;
    }

    byte[] value(String kind, int size, int partition, long sequence) {
        byte[] head = new byte[17];
        digits(head, 0, 5, partition);
        head[5] = ':';
        digits(head, 6, 10, sequence);
        head[16] = ':';
        return switch (kind) {
            case "text" -> fill(head, size);
            case "json" -> json(head, size);
            default -> throw new IllegalArgumentException("unknown kind of record " + kind);
        };
    }

    private static void digits(byte[] out, int at, int width, long number) {
        for (int i = at + width - 1; i >= at; i--, number /= 10) {
            out[i] = (byte) ('0' + number % 10);
        }
    }

    private byte[] fill(byte[] head, int size) {
        byte[] out = Arrays.copyOf(head, Math.max(size, head.length));
        for (int at = head.length; at < out.length; ) {
            long bits = next();
            for (int i = 0; i < 10 && at < out.length; i++, bits >>>= 6) {
                out[at++] = ALPHABET[(int) (bits & 63)];
            }
        }
        return out;
    }

    /** An order as shops send them: half structure, half varying text and numbers. */
    private byte[] json(byte[] head, int size) {
        StringBuilder out = new StringBuilder(size + 200);
        out.append("{\"place\":\"").append(new String(head, StandardCharsets.US_ASCII)).append("\",\"order_id\":\"").append(Long.toHexString(next()))
            .append("\",\"customer\":{\"id\":").append(next() >>> 40).append(",\"city\":\"").append(pick(CITIES))
            .append("\",\"email\":\"").append(Long.toString(next() >>> 30, 36)).append("@example.com\"},\"status\":\"")
            .append(pick(STATES)).append("\",\"created_at\":").append(1_700_000_000_000L + (next() >>> 28)).append(",\"lines\":[");
        for (int line = 0; out.length() < size - 170; line++) {
            out.append(line == 0 ? "" : ",").append("{\"sku\":\"SKU-").append(next() >>> 44).append("\",\"quantity\":")
                .append(1 + (next() >>> 61)).append(",\"unit_price\":").append((next() >>> 48) / 100.0)
                .append(",\"tax_rate\":0.19,\"warehouse\":\"").append(pick(CITIES)).append("\"}");
        }
        out.append("],\"note\":\"");
        byte[] start = out.toString().getBytes(StandardCharsets.US_ASCII);
        byte[] value = fill(start, size);
        value[value.length - 2] = '"';
        value[value.length - 1] = '}';
        return value;
    }

    private String pick(String[] words) {
        return words[(int) ((next() >>> 33) % words.length)];
    }

    /** xorshift64*: the generator is the bottleneck of filling a topic, so it is a small one. */
    private long next() {
        state ^= state >>> 12;
        state ^= state << 25;
        state ^= state >>> 27;
        return state * 0x2545F4914F6CDD1DL;
    }
}
