// The n-body problem in floating point: node nbody.js STEPS
const bodies = [
    [0, 0, 0, 0, 0, 0, 39.47],
    [4.84, -1.16, -0.10, 0.60, 2.81, -0.02, 0.037],
    [8.34, 4.12, -0.4, -1.01, 1.82, 0.008, 0.011],
    [12.89, -15.11, -0.22, 1.08, 0.86, -0.01, 0.0017],
    [15.37, -25.91, 0.17, 0.97, 0.59, -0.034, 0.002],
];
function step(dt) {
    for (let i = 0; i < bodies.length; i++) {
        const a = bodies[i];
        for (let j = i + 1; j < bodies.length; j++) {
            const b = bodies[j];
            const x = a[0] - b[0], y = a[1] - b[1], z = a[2] - b[2];
            const d = x * x + y * y + z * z;
            const m = dt / (d * Math.sqrt(d));
            a[3] -= x * b[6] * m; a[4] -= y * b[6] * m; a[5] -= z * b[6] * m;
            b[3] += x * a[6] * m; b[4] += y * a[6] * m; b[5] += z * a[6] * m;
        }
    }
    for (const b of bodies)
        for (let k = 0; k < 3; k++) b[k] += dt * b[k + 3];
}
for (let n = Number(process.argv[2]); n > 0; n--) step(0.001);
for (const b of bodies) console.log(b[0], b[1], b[2]);
