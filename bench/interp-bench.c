/*
 * How fast the interpreter is: loops of simple instructions in 32-bit protected mode, in millions of guest instructions per
 * second of CPU time. Reported, not judged: machines differ, and so does what else they are doing. The goal is 100.
 *
 *     bench/interp-bench
 */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <glib.h>

#include "cpu/cpu.h"

enum { RAM = 1 << 20, CODE = 0x10000, DATA = 0x20000, STACK = 0x40000 };

typedef struct Loop {
    const char *name;
    const char *code; /* endless */
    unsigned len;
} Loop;

#define LOOP(name, bytes) { name, bytes, sizeof bytes - 1 }

static const Loop loops[] = {
    /* l: add eax,ebx; xor ecx,eax; inc edx; lea esi,[eax+ecx*4]; cmp edx,edi; jmp l */
    LOOP("register arithmetic", "\x01\xd8\x31\xc1\x42\x8d\x34\x88\x39\xfa\xeb\xf4"),
    /* l: mov eax,[ebx]; add eax,1; mov [ebx+4],eax; mov ecx,[ebx+8]; add ecx,eax; mov [ebx+8],ecx; jmp l */
    LOOP("loads and stores", "\x8b\x03\x83\xc0\x01\x89\x43\x04\x8b\x4b\x08\x01\xc1\x89\x4b\x08\xeb\xee"),
    /* l: dec ecx; jz m; test al,1; jnz n; m: inc eax; n: jmp l */
    LOOP("branches", "\x49\x74\x04\xa8\x01\x75\x01\x40\xeb\xf6"),
    /* l: push eax; call f; pop eax; jmp l; f: push ebp; mov ebp,esp; pop ebp; ret */
    LOOP("calls and stack", "\x50\xe8\x03\x00\x00\x00\x58\xeb\xf7\x55\x89\xe5\x5d\xc3"),
    /* l: shl eax,3; movzx ecx,al; imul ecx,ebx; sar ecx,2; setz dl; jmp l */
    LOOP("shifts and multiplies", "\xc1\xe0\x03\x0f\xb6\xc8\x0f\xaf\xcb\xc1\xf9\x02\x0f\x94\xc2\xeb\xef"),
};

/* This thread's own time on a CPU: other work on the machine does not count. */
static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static void flat(Vcpu *v, int n, uint16_t attr)
{
    v->seg[n] = (Seg){ .sel = 8, .limit = 0xffffffff, .attr = attr | SEG_P | SEG_S | SEG_A | SEG_G | SEG_DB };
    seg_derive(v, n);
}

/* A timer for interp_run(): no budget, so that it runs as a VM does. */
static gpointer stop_later(gpointer opaque)
{
    Vcpu *v = opaque;
    g_usleep(1000000);
    vcpu_attention(v, ATTN_STOP);
    return NULL;
}

int main(void)
{
    Bus *mem = bus_new("memory", 1ull << 32, NULL), *io = bus_new("io", 0x10000, NULL);
    Ram *ram = ram_new(RAM, NULL);
    if (!ram)
        g_error("no memory");
    bus_add_ram(mem, "ram", 0, RAM, ram->host, 0, 0);
    Vcpu *v = vcpu_new(cpu_model_nth(0), mem, io, ram);
    for (unsigned n = 0; n < G_N_ELEMENTS(loops); n++) {
        vcpu_reset(v);
        v->cr0 |= CR0_PE;
        for (int s = 0; s < S_COUNT; s++)
            flat(v, s, s == S_CS ? SEG_CODE | SEG_R : SEG_W);
        cpu_set_cpl(v, 0);
        v->rip = CODE;
        v->gpr[R_SP].q = STACK;
        v->gpr[R_BX].q = DATA;
        ram_written(ram, CODE, loops[n].len);
        memcpy(ram->host + CODE, loops[n].code, loops[n].len);
        tlb_flush_all(v);
        uint64_t before = v->insns;
        double begin = cpu_seconds();
        GThread *timer = g_thread_new("timer", stop_later, v);
        Exit e = interp_run(v, 0);
        double seconds = cpu_seconds() - begin;
        g_thread_join(timer);
        printf("%-22s %7.1f million instructions/s%s\n", loops[n].name, (v->insns - before) / seconds / 1e6,
               e == EXIT_STOP ? "" : " (ended early)");
    }
    vcpu_free(v);
    bus_free(mem);
    bus_free(io);
    ram_free(ram);
    return 0;
}
