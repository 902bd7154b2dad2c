/*
 * Programs that are hard on direct execution: they compute, so that it takes them up, and do all the while what costs it most.
 * What they print is the same everywhere. usage: load NAME [ROUNDS]
 *
 *   pair      two processes share the CPU; each has integers, x87 and SSE registers of its own
 *   scatter   1 GiB of memory, its pages touched in random order: no two mappings can be merged
 *   remap     maps, fills, protects and unmaps all the time
 *   threads   threads with thread-local storage, a mutex and a condition that they wait for in turn
 *   rewrite   code that changes itself: an instruction ahead, a function in the same page, by another mapping
 *   jit       ever new functions in pages that are writable, then executable
 *   alarms    computes until hundreds of timer signals have come
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096u

static void need(int ok, const char *what)
{
    if (!ok) {
        printf("load: failed: %s\n", what);
        fflush(stdout);
        _exit(1);
    }
}

static uint32_t next(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    return *seed ^= *seed << 5;
}

static uint32_t mix(uint32_t sum, uint32_t value)
{
    return (sum << 5 | sum >> 27) * 0x9e3779b1u + value;
}

/* Some microseconds of integers. */
static uint32_t compute(uint32_t sum, unsigned n)
{
    uint32_t seed = sum | 1;
    while (n--)
        sum = mix(sum, next(&seed));
    return sum;
}

static void *map(size_t size, int prot)
{
    void *p = mmap(NULL, size, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    need(p != MAP_FAILED, "mmap");
    return p;
}

/* ---- pair ---- */

static uint32_t pair_one(unsigned rounds, unsigned which)
{
    long double wide = 1 + which;     /* x87 */
    double narrow[2] = {which, 0.5};  /* SSE2: -msse2 -mfpmath=387 leaves vectors to it */
    typedef double Two __attribute__((vector_size(16)));
    Two two = {narrow[0], narrow[1]};
    uint32_t sum = which;
    for (unsigned n = 0; n < rounds * 1000; n++) {
        sum = compute(sum, 200);
        wide = wide * 1.0000001L + 1 / (wide + which);
        two = two * (Two){1.0000002, 0.9999999} + (Two){1e-3, 1e-4};
    }
    return mix(mix(sum, (uint32_t)(wide * 1e6L)), (uint32_t)(two[0] * 1e3) ^ (uint32_t)(two[1] * 1e3));
}

static void pair(unsigned rounds)
{
    int fd[2][2];
    for (unsigned n = 0; n < 2; n++) {
        need(pipe(fd[n]) == 0, "pipe");
        pid_t pid = fork();
        need(pid >= 0, "fork");
        if (pid == 0) {
            uint32_t sum = pair_one(rounds, n);
            need(write(fd[n][1], &sum, sizeof sum) == sizeof sum, "write");
            _exit(0);
        }
    }
    for (unsigned n = 0; n < 2; n++) {
        uint32_t sum;
        need(read(fd[n][0], &sum, sizeof sum) == sizeof sum, "read");
        printf("process %u: %08x, the same alone: %08x\n", n, sum, pair_one(rounds, n));
    }
    while (wait(NULL) > 0)
        ;
}

/* ---- scatter ---- */

static void scatter(unsigned rounds)
{
    enum { PAGES = 1 << 18 };
    uint8_t *memory = map((size_t)PAGES * PAGE, PROT_READ | PROT_WRITE);
    uint32_t sum = 0, seed = 9;
    for (uint32_t n = 0, at = 1; n < PAGES; n++, at = (at * 5 + 77777) % PAGES) /* every page once */
        *(uint32_t *)(memory + (size_t)at * PAGE + at % 1000 * 4) = n;
    for (unsigned n = 0; n < rounds * 100000; n++) {
        uint32_t at = next(&seed) % PAGES, *word = (uint32_t *)(memory + (size_t)at * PAGE + at % 1000 * 4);
        sum = mix(sum, *word);
        *word += n;
    }
    for (uint32_t at = 0; at < PAGES; at++)
        sum = mix(sum, *(uint32_t *)(memory + (size_t)at * PAGE + at % 1000 * 4));
    printf("%08x\n", sum);
}

/* ---- remap ---- */

static void remap(unsigned rounds)
{
    enum { KEPT = 16, PAGES_MAX = 24 };
    uint8_t *kept[KEPT] = {NULL};
    unsigned pages[KEPT] = {0};
    uint32_t seed = 4, sum = 0;
    for (unsigned n = 0; n < rounds * 1000; n++) {
        unsigned k = next(&seed) % KEPT;
        if (kept[k]) {
            for (unsigned p = 0; p < pages[k]; p++)
                sum = mix(sum, *(uint32_t *)(kept[k] + p * PAGE));
            need(munmap(kept[k], pages[k] * PAGE) == 0, "munmap");
        }
        pages[k] = 1 + next(&seed) % PAGES_MAX;
        kept[k] = map(pages[k] * PAGE, PROT_READ | PROT_WRITE);
        for (unsigned p = 0; p < pages[k]; p++) {
            need(*(uint32_t *)(kept[k] + p * PAGE) == 0, "a new page is not empty");
            *(uint32_t *)(kept[k] + p * PAGE) = n + p;
        }
        if (n % 3 == 0)
            need(mprotect(kept[k], pages[k] * PAGE, PROT_READ) == 0, "mprotect");
        sum = compute(sum, 3000);
    }
    printf("%08x\n", sum);
}

/* ---- threads ---- */

enum { THREADS = 4 };

typedef struct Team {
    pthread_mutex_t lock;
    pthread_cond_t turned;
    unsigned turn, rounds;
    uint32_t sum[THREADS], order;
    atomic_uint count;
} Team;

static __thread uint32_t own[32]; /* by GS */

typedef struct Member {
    Team *team;
    unsigned n;
    pthread_t thread;
} Member;

static void *member_run(void *opaque)
{
    Member *m = opaque;
    Team *t = m->team;
    own[0] = m->n + 1;
    for (unsigned n = 0; n < t->rounds * 10; n++) {
        for (unsigned k = 0; k < 200; k++) {
            own[k % 32] = compute(own[(k + 31) % 32] + own[k % 32], 30);
            atomic_fetch_add(&t->count, 1);
        }
        pthread_mutex_lock(&t->lock);
        while (t->turn % THREADS != m->n)
            pthread_cond_wait(&t->turned, &t->lock);
        t->turn++;
        t->order = mix(t->order, own[n % 32]);
        pthread_cond_broadcast(&t->turned);
        pthread_mutex_unlock(&t->lock);
    }
    for (unsigned k = 0; k < 32; k++)
        t->sum[m->n] = mix(t->sum[m->n], own[k]);
    return NULL;
}

static void threads(unsigned rounds)
{
    Team t = {.lock = PTHREAD_MUTEX_INITIALIZER, .turned = PTHREAD_COND_INITIALIZER, .rounds = rounds};
    Member m[THREADS];
    for (unsigned n = 0; n < THREADS; n++) {
        m[n] = (Member){&t, n, 0};
        need(pthread_create(&m[n].thread, NULL, member_run, &m[n]) == 0, "pthread_create");
    }
    for (unsigned n = 0; n < THREADS; n++)
        need(pthread_join(m[n].thread, NULL) == 0, "pthread_join");
    for (unsigned n = 0; n < THREADS; n++)
        printf("thread %u: %08x\n", n, t.sum[n]);
    printf("in turn: %08x; counted: %u; mine is still %u\n", t.order, t.count, own[0]);
}

/* ---- rewrite ---- */

typedef uint32_t Fn(uint32_t);

/* mov eax, [esp+4]; add eax, VALUE; ret */
static unsigned put_add(uint8_t *at, uint32_t value)
{
    static const uint8_t code[] = {0x8b, 0x44, 0x24, 0x04, 0x05, 0, 0, 0, 0, 0xc3};
    memcpy(at, code, sizeof code);
    memcpy(at + 5, &value, 4);
    return sizeof code;
}

/* mov eax, [esp+4]; call 1f; 1: pop edx; mov byte [edx+DISTANCE], VALUE; nop...; add eax, strict imm8; ret: the store changes the imm8 */
static void put_ahead(uint8_t *at, unsigned distance, uint8_t value)
{
    static const uint8_t head[] = {0x8b, 0x44, 0x24, 0x04, 0xe8, 0, 0, 0, 0, 0x5a, 0xc6, 0x42};
    memset(at, 0x90, distance + 16);
    memcpy(at, head, sizeof head);
    at[12] = distance;
    at[13] = value;
    memcpy(at + 9 + distance - 2, "\x83\xc0\x00\xc3", 4);
}

static void rewrite(unsigned rounds)
{
    enum { AREA = 4 * PAGE };
    int fd = memfd_create("code", 0);
    need(fd >= 0 && ftruncate(fd, AREA) == 0, "memfd_create");
    uint8_t *both = map(AREA, PROT_READ | PROT_WRITE | PROT_EXEC);
    uint8_t *write_side = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    uint8_t *run_side = mmap(NULL, AREA, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    need(write_side != MAP_FAILED && run_side != MAP_FAILED, "mmap");
    uint32_t sum = 1, seed = 6;
    for (unsigned n = 0; n < rounds * 100; n++) {
        sum = compute(sum, 2000);
        put_add(both + 64, next(&seed)); /* a store into a page that has run */
        for (unsigned k = 0; k < 20; k++) {
            sum = ((Fn *)(both + 64))(sum);
            both[64 + 5] = sum; /* and between two calls */
        }
        unsigned where = PAGE - 20 + n % 8; /* over a page's edge, too */
        put_ahead(both + where, 12 + n % 40, n);
        sum = ((Fn *)(both + where))(sum);
        put_ahead(both + where, 12 + n % 40, n * 7);
        sum = ((Fn *)(both + where))(sum);
        unsigned at = next(&seed) % (AREA - 16);
        put_add(write_side + at, n);
        sum = mix(sum, ((Fn *)(run_side + at))(sum));
        write_side[at + 5] ^= 0x55;
        sum = mix(sum, ((Fn *)(run_side + at))(sum));
    }
    printf("%08x\n", sum);
}

/* ---- jit ---- */

static uint8_t *put32(uint8_t *p, const char *bytes, unsigned n, uint32_t value)
{
    memcpy(p, bytes, n);
    memcpy(p + n, &value, 4);
    return p + n + 4;
}

/* A function of some hundred random operations on EAX in a loop of count rounds. */
static void jit_compile(uint8_t *p, uint32_t *seed, uint32_t count)
{
    p = put32(p, "\x8b\x44\x24\x04\xb9", 5, count); /* mov eax, [esp+4]; mov ecx, count */
    uint8_t *loop = p;
    for (unsigned n = 100 + next(seed) % 100; n; n--) {
        uint32_t r = next(seed);
        switch (r % 6) {
        case 0: p = put32(p, "\x05", 1, r); break;         /* add eax, imm32 */
        case 1: p = put32(p, "\x35", 1, r); break;         /* xor eax, imm32 */
        case 2: p = put32(p, "\x69\xc0", 2, r | 1); break; /* imul eax, eax, imm32 */
        case 3: memcpy(p, "\xc1\xc0\x07", 3); p += 3; break; /* rol eax, 7 */
        case 4: memcpy(p, "\x01\xc8", 2); p += 2; break;   /* add eax, ecx */
        default: memcpy(p, "\x89\xc2\xc1\xea\x05\x29\xd0", 7); p += 7; /* mov edx, eax; shr edx, 5; sub eax, edx */
        }
    }
    *p++ = 0x49; /* dec ecx; jnz loop; ret */
    p = put32(p, "\x0f\x85", 2, (uint32_t)(loop - (p + 6)));
    *p = 0xc3;
}

static void jit(unsigned rounds)
{
    enum { FUNCTIONS = 64, ROOM = 2048 };
    uint8_t *area = map(FUNCTIONS * ROOM, PROT_READ | PROT_WRITE);
    uint32_t seed = 8, sum = 0;
    for (unsigned n = 0; n < rounds * 10; n++) {
        unsigned slot = next(&seed) % FUNCTIONS;
        uint8_t *page = area + (slot * ROOM & ~(PAGE - 1));
        need(mprotect(page, PAGE, PROT_READ | PROT_WRITE) == 0, "mprotect");
        jit_compile(area + slot * ROOM, &seed, 2000);
        need(mprotect(page, PAGE, PROT_READ | PROT_EXEC) == 0, "mprotect");
        sum = ((Fn *)(area + slot * ROOM))(sum);
    }
    printf("%08x\n", sum);
}

/* ---- alarms ---- */

static volatile sig_atomic_t alarms_seen;

static void on_alarm(int signal)
{
    double x = alarms_seen; /* the handler has x87 and SSE registers of its own */
    for (int n = 0; n < 50; n++)
        x = x * 0.5 + n;
    alarms_seen += x < 1000 ? 1 : 2;
    (void)signal;
}

static void alarms(unsigned rounds)
{
    struct sigaction action = {.sa_handler = on_alarm};
    struct itimerval often = {{0, 4000}, {0, 4000}}, never = {{0, 0}, {0, 0}};
    long double x = 1;
    uint32_t sum = 1;
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    while (alarms_seen < (int)rounds) {
        uint32_t a = compute(7, 5000), b = compute(7, 5000);
        long double y = x;
        for (unsigned n = 0; n < 1000; n++)
            y = y * 1.5L - 0.25L * y - 0.25L * y;
        need(a == b && y == x, "a signal changed what it interrupted");
        sum = a;
    }
    setitimer(ITIMER_REAL, &never, NULL);
    printf("%08x %Lg\n", sum, x);
}

static const struct {
    const char *name;
    void (*run)(unsigned rounds);
    unsigned rounds;
} programs[] = {
    {"pair", pair, 600},        {"scatter", scatter, 100}, {"remap", remap, 20},     {"threads", threads, 300},
    {"rewrite", rewrite, 600}, {"jit", jit, 600},         {"alarms", alarms, 500},
};

int main(int argc, char **argv)
{
    for (unsigned n = 0; n < sizeof programs / sizeof *programs; n++)
        if (argc > 1 && !strcmp(argv[1], programs[n].name)) {
            programs[n].run(argc > 2 ? (unsigned)atoi(argv[2]) : programs[n].rounds);
            return 0;
        }
    fprintf(stderr, "usage: load NAME [ROUNDS]; see load.c\n");
    return 2;
}
