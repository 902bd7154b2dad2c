// Integers, strings, objects and closures.
let x = 12345, sum = 0;
for (let i = 0; i < 3000000; i++) {
    x ^= x << 13; x ^= x >>> 17; x ^= x << 5;
    sum = (sum + (x >>> 0) % 1000) % 1000003;
}
console.log(x, sum);
const fib = n => n < 2 ? n : fib(n - 1) + fib(n - 2);
console.log(fib(25));
const t = Array.from({length: 50000}, (_, i) => (i * 7919) % 50021).sort((a, b) => a - b);
console.log(t[0], t[25000], t[49999]);
class Shape { area() { return 0; } }
class Square extends Shape { constructor(s) { super(); this.s = s; } area() { return this.s * this.s; } }
class Circle extends Shape { constructor(r) { super(); this.r = r; } area() { return 3 * this.r * this.r; } }
let area = 0;
for (let i = 0; i < 200000; i++) area = (area + (i % 3 ? new Square(i) : new Circle(i)).area()) % 1000003;
console.log(area);
const words = new Map();
for (let i = 0; i < 50000; i++) {
    const w = ((i * i) % 997).toString(36);
    words.set(w, (words.get(w) || 0) + 1);
}
console.log([...words].sort().slice(0, 20).join(" "));
let caught = 0;
for (let i = 0; i < 3000; i++) try { if (i % 2) null.x; else throw new Error(i); } catch (e) { caught += e instanceof TypeError ? 2 : 1; }
console.log(caught, 0.1 + 0.2, Math.fround(1 / 3), (123.456).toFixed(10), parseInt("zz", 36), ~~-7.5, 2 ** 53 + 2);
