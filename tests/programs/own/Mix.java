import java.math.BigInteger;
import java.util.*;

/** Integers, long and floating point arithmetic, strings, collections, virtual calls, exceptions and threads: Mix ROUNDS. */
public class Mix {
    interface Shape { long area(); }

    static int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

    static long shapes() {
        long sum = 0;
        for (int i = 0; i < 100000; i++) {
            final int n = i;
            Shape s = i % 3 == 0 ? () -> 3L * n * n : () -> (long) n * n;
            sum = (sum + s.area()) % 1000003;
        }
        return sum;
    }

    static int exceptions() {
        int caught = 0;
        int[] a = new int[4];
        for (int i = 0; i < 2000; i++) {
            try {
                switch (i % 4) {
                case 0: a[i % 5 + 3] = 1; break;
                case 1: a[0] = i / (i % 2 - 1); break;
                case 2: ((Object) "x").getClass().cast(5); break;
                default: throw new IllegalStateException();
                }
            } catch (ArrayIndexOutOfBoundsException e) { caught += 1;
            } catch (ArithmeticException e) { caught += 2;
            } catch (RuntimeException e) { caught += 3; }
        }
        return caught;
    }

    static long threads() throws InterruptedException {
        long[] sums = new long[4];
        Thread[] t = new Thread[4];
        for (int n = 0; n < 4; n++) {
            final int m = n;
            t[n] = new Thread(() -> { for (int i = 0; i < 200000; i++) sums[m] += (long) i * m % 7; });
            t[n].start();
        }
        for (Thread x : t) x.join();
        return Arrays.stream(sums).sum();
    }

    public static void main(String[] args) throws Exception {
        for (int round = Integer.parseInt(args[0]); round > 0; round--) {
            int x = 12345;
            long l = 88172645463325252L, sum = 0;
            double d = 0;
            float f = 1;
            for (int i = 1; i < 200000; i++) {
                x ^= x << 13; x ^= x >>> 17; x ^= x << 5;
                l ^= l << 13; l ^= l >>> 7; l ^= l << 17;
                sum += l % 1000 + x / 7;
                d += Math.sin(i) / i + Math.sqrt(i);
                f = f * 1.0001f % 3;
            }
            System.out.println(x + " " + l + " " + sum + " " + d + " " + f + " " + (int) 1e20 + " " + (long) Double.NaN);
            System.out.println(fib(22) + " " + shapes() + " " + exceptions() + " " + threads());
            Map<String, Integer> words = new TreeMap<>();
            for (int i = 0; i < 20000; i++) words.merge(Integer.toString(i * i % 997, 36), 1, Integer::sum);
            System.out.println(words.hashCode() + " " + words.size());
            System.out.println(BigInteger.valueOf(7).modPow(new BigInteger("123456789012345678901234567890"), BigInteger.ONE.shiftLeft(300)));
        }
    }
}
