/* The Mandelbrot set as text, two points at a time in one SSE register. */
#pragma GCC target("sse2")
#include "user/lib.h"

#define COLUMNS 72
#define ROWS 22
#define LIMIT 256

typedef double Pair __attribute__((vector_size(16)));
typedef long long Mask __attribute__((vector_size(16)));

/* How often z = z^2 + c can be done before |z| is more than 2, for two points c. */
static void escape(Pair x, double y, int count[2])
{
    Pair zx = {0, 0}, zy = {0, 0};
    Mask inside = {-1, -1}, n = {0, 0};
    for (int k = 0; k < LIMIT && (inside[0] | inside[1]); k++) {
        Pair xx = zx * zx, yy = zy * zy;
        inside &= xx + yy <= 4.0;
        n -= inside; /* true is -1 */
        zy = 2.0 * zx * zy + y;
        zx = xx - yy + x;
    }
    count[0] = n[0];
    count[1] = n[1];
}

int main(char *arguments)
{
    static const char shades[] = " .:-=+*%@#";
    char line[COLUMNS + 1];
    for (int row = 0; row < ROWS; row++) {
        for (int column = 0; column < COLUMNS; column += 2) {
            int count[2];
            Pair x = {-2.1 + column * (2.9 / COLUMNS), -2.1 + (column + 1) * (2.9 / COLUMNS)};
            escape(x, -1.2 + row * (2.4 / (ROWS - 1)), count);
            for (int k = 0; k < 2; k++) {
                int shade = 0;
                for (int n = count[k]; n > 1; n /= 2)
                    shade++;
                line[column + k] = count[k] == LIMIT ? shades[9] : shades[shade];
            }
        }
        line[COLUMNS] = '\n';
        write(line, sizeof line);
    }
    return 0;
}
