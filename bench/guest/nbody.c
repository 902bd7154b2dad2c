/*
 * Five bodies attract each other: floating-point arithmetic and nothing else. Compiled twice, for the x87 (NBODY is
 * nbody_x87) and for SSE2 (nbody_sse).
 */
#include "work.h"

#include <math.h>

enum { BODIES = 5, STEPS = 1000 };

typedef struct Body {
    double x[3], v[3], mass;
} Body;

static void advance(Body *b, double dt)
{
    for (int i = 0; i < BODIES; i++)
        for (int j = i + 1; j < BODIES; j++) {
            double d[3], square = 0;
            for (int k = 0; k < 3; k++) {
                d[k] = b[i].x[k] - b[j].x[k];
                square += d[k] * d[k];
            }
            double force = dt / (square * sqrt(square));
            for (int k = 0; k < 3; k++) {
                b[i].v[k] -= d[k] * b[j].mass * force;
                b[j].v[k] += d[k] * b[i].mass * force;
            }
        }
    for (int i = 0; i < BODIES; i++)
        for (int k = 0; k < 3; k++)
            b[i].x[k] += dt * b[i].v[k];
}

uint32_t NBODY(unsigned n)
{
    /* a sun and four planets on circles: units are its mass, a distance of 1 and a year of 2 pi */
    static const double radius[BODIES] = {0, 1, 1.7, 2.9, 5.2}, mass[BODIES] = {1, 1e-3, 3e-4, 2e-3, 5e-4};
    Body b[BODIES] = {{{0}, {0}, 0}};
    uint32_t sum = 0;
    for (int i = 0; i < BODIES; i++) {
        b[i].mass = mass[i];
        b[i].x[0] = radius[i];
        b[i].v[1] = i ? sqrt(1 / radius[i]) : 0;
    }
    while (n--)
        for (int step = 0; step < STEPS; step++)
            advance(b, 0.001);
    for (int i = 0; i < BODIES; i++)
        for (int k = 0; k < 3; k++)
            sum = work_mix(sum, (int32_t)(b[i].x[k] * 1e6));
    return sum;
}
