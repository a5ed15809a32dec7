import java.io.File;
import java.lang.reflect.InvocationTargetException;

/**
 * Runs another main class for as long as whoever started this process lives: when standard input closes (also
 * because the starter was killed), the given folder is removed and the process ends.
 *
 * Arguments: a folder to remove at the end or "-", the main class, its arguments.
 */
public final class Anchored {
    private Anchored() {}

    public static void main(String[] args) throws Throwable {
        Thread watch = new Thread(() -> endWithStarter(args[0]), "anchor");
        watch.setDaemon(true);
        watch.start();
        String[] rest = java.util.Arrays.copyOfRange(args, 2, args.length);
        try {
            Class.forName(args[1]).getMethod("main", String[].class).invoke(null, (Object) rest);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    private static void endWithStarter(String folder) {
        try {
            while (System.in.read() >= 0) {
                // Nothing is ever said here: only the end of the stream counts.
            }
        } catch (java.io.IOException e) {
            // A broken pipe says the same.
        }
        if (!folder.equals("-")) {
            remove(new File(folder));
        }
        Runtime.getRuntime().halt(137);
    }

    private static void remove(File file) {
        File[] children = file.listFiles();
        if (children != null) {
            for (File child : children) {
                remove(child);
            }
        }
        file.delete();
    }
}
