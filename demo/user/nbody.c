/*
 * A sun and three planets in x87 arithmetic. Their energy should not change: how little it does tells how exact the
 * FPU is.
 */
#include "user/lib.h"

#define BODIES 4
#define STEPS 20000
#define STEP 0.001

typedef struct Body {
    double at[3], speed[3], mass;
} Body;

static Body bodies[BODIES] = {
    {{0, 0, 0}, {0, -0.0113, 0}, 1},
    {{1, 0, 0}, {0, 1, 0.1}, 0.001},
    {{-2, 0.5, 0}, {0.2, -0.6, 0}, 0.002},
    {{0, 5, 0.3}, {-0.45, 0, 0.02}, 0.0005},
};

static double square_root(double x)
{
    asm("fsqrt" : "+t"(x));
    return x;
}

static double distance(const Body *a, const Body *b, double apart[3])
{
    double sum = 0;
    for (int k = 0; k < 3; k++) {
        apart[k] = b->at[k] - a->at[k];
        sum += apart[k] * apart[k];
    }
    return square_root(sum);
}

static double energy(void)
{
    double sum = 0, apart[3];
    for (Body *a = bodies; a < bodies + BODIES; a++) {
        for (int k = 0; k < 3; k++)
            sum += a->mass * a->speed[k] * a->speed[k] / 2;
        for (Body *b = a + 1; b < bodies + BODIES; b++)
            sum -= a->mass * b->mass / distance(a, b, apart);
    }
    return sum;
}

static void advance(double dt)
{
    double apart[3];
    for (Body *a = bodies; a < bodies + BODIES; a++)
        for (Body *b = a + 1; b < bodies + BODIES; b++) {
            double d = distance(a, b, apart), pull = dt / (d * d * d);
            for (int k = 0; k < 3; k++) {
                a->speed[k] += apart[k] * b->mass * pull;
                b->speed[k] -= apart[k] * a->mass * pull;
            }
        }
    for (Body *a = bodies; a < bodies + BODIES; a++)
        for (int k = 0; k < 3; k++)
            a->at[k] += a->speed[k] * dt;
}

/* x in parts of a thousand million, with its sign. */
static int billionths(double x)
{
    return (int)(x * 1e9);
}

int main(char *arguments)
{
    double before = energy();
    uint64_t begin = cycles();
    for (int n = 0; n < STEPS; n++)
        advance(STEP);
    uint64_t took = cycles() - begin;
    print("energy %d before, %d after %u steps, in billionths (%u cycles a step)\n", billionths(before),
          billionths(energy()), STEPS, divide(took, STEPS));
    return 0;
}
