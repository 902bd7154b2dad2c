-- Integers, strings, tables and closures.
local bit = bit or require("bit")
local x, sum = 12345, 0
for i = 1, 3000000 do
    x = bit.bxor(x, bit.lshift(x, 13)); x = bit.bxor(x, bit.rshift(x, 17)); x = bit.bxor(x, bit.lshift(x, 5))
    sum = (sum + x % 1000) % 1000003
end
print(x, sum)
local t = {}
for i = 1, 100000 do t[i] = (i * 7919) % 100003 end
table.sort(t)
print(t[1], t[50000], t[100000])
local sieve, primes = {}, 0
for i = 2, 200000 do
    if not sieve[i] then
        primes = primes + 1
        for j = i * i, 200000, i do sieve[j] = true end
    end
end
print(primes)
local function fib(n) return n < 2 and n or fib(n - 1) + fib(n - 2) end
print(fib(25))
local s = {}
for i = 1, 20000 do s[#s + 1] = string.format("%x", i * i) end
s = table.concat(s, ",")
local n = 0
for w in s:gmatch("%x+") do n = (n * 31 + #w) % 1000003 end
print(#s, n, (s:gsub("ff", "")):len())
local co = coroutine.wrap(function() for i = 1, 20000 do coroutine.yield(i * i) end end)
n = 0
for _ = 1, 20000 do n = (n + co()) % 1000003 end
print(n)
for i = 1, 2000 do n = n + select("#", pcall(error, i)) end
print(n, 2 ^ 53, 1e15 / 7, -7 % 3, math.floor(-3.5))
