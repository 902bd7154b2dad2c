-- The n-body problem in floating point: lua nbody.lua STEPS
local bodies = {
    {0, 0, 0, 0, 0, 0, 39.47},
    {4.84, -1.16, -0.10, 0.60, 2.81, -0.02, 0.037},
    {8.34, 4.12, -0.4, -1.01, 1.82, 0.008, 0.011},
    {12.89, -15.11, -0.22, 1.08, 0.86, -0.01, 0.0017},
    {15.37, -25.91, 0.17, 0.97, 0.59, -0.034, 0.002},
}
local function step(dt)
    for i = 1, #bodies do
        local a = bodies[i]
        for j = i + 1, #bodies do
            local b = bodies[j]
            local x, y, z = a[1] - b[1], a[2] - b[2], a[3] - b[3]
            local d = x * x + y * y + z * z
            local m = dt / (d * math.sqrt(d))
            a[4], a[5], a[6] = a[4] - x * b[7] * m, a[5] - y * b[7] * m, a[6] - z * b[7] * m
            b[4], b[5], b[6] = b[4] + x * a[7] * m, b[5] + y * a[7] * m, b[6] + z * a[7] * m
        end
    end
    for _, b in ipairs(bodies) do
        b[1], b[2], b[3] = b[1] + dt * b[4], b[2] + dt * b[5], b[3] + dt * b[6]
    end
end
for _ = 1, tonumber(arg[1]) do step(0.001) end
for _, b in ipairs(bodies) do print(string.format("%.10g %.10g %.10g", b[1], b[2], b[3])) end
