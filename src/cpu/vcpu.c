/*
 * A virtual CPU's birth, reset and end. SDM 3A 9.1.1, table 9-1
 */
#include "cpu/cpu.h"

#include <string.h>

#include "cpu/debug.h"
#include "cpu/handlers.h"
#include "frontend/codecache.h"
#include "softmmu/largepage.h"
#include "softmmu/mmu.h"

#define CODE_POOL_BYTES (12u << 20) /* decoded instructions: some 200 000 */
#define ATTR_CODE_DATA (SEG_P | SEG_S | SEG_W | SEG_A)
#define ATTR_LDT (SEG_P | 2)
#define ATTR_TSS (SEG_P | 11)

void vcpu_reset(Vcpu *v)
{
    memset(v->gpr, 0, sizeof v->gpr);
    v->gpr[R_DX].d = v->model->signature;
    v->rip = v->insn_rip = 0xfff0;
    eflags_set_raw(v, FL_1);
    v->lin_mask = 0xffffffff;
    v->cr0 = CR0_CD | CR0_NW | CR0_ET;
    v->cr2 = v->cr3 = v->cr4 = v->efer = 0;
    memset(v->pdpte, 0, sizeof v->pdpte);
    memset(v->dr, 0, sizeof v->dr);
    v->dr[6] = DR6_FIXED;
    v->dr[7] = DR7_FIXED;
    v->debug_hits = 0;
    for (int n = 0; n < S_COUNT; n++) {
        v->seg[n] = (Seg){.limit = 0xffff, .attr = ATTR_CODE_DATA};
        seg_derive(v, n);
    }
    v->seg[S_CS].sel = 0xf000;
    v->seg[S_CS].base = 0xffff0000;
    seg_derive(v, S_CS);
    v->ldtr = (Seg){.limit = 0xffff, .attr = ATTR_LDT};
    v->tr = (Seg){.limit = 0xffff, .attr = ATTR_TSS};
    v->gdtr = v->idtr = (TableReg){.limit = 0xffff};
    v->msr = (Msrs){.apic_base = 0xfee00900, .pat = 0x0007040600070406, .misc_enable = 1};
    v->shadow = 0;
    v->halted = v->nmi_blocked = v->shutdown = false;
    v->delivering = -1;
    fpu_reset(v);
    cpu_set_cpl(v, 0);
    tlb_flush_all(v);
    vcpu_attention(v, ATTN_EVENT);
}

/* A page became watched: the TLB must not let writes to it through. */
static void watch_added(void *opaque, uint64_t offset, uint64_t len)
{
    if (len == PAGE_SIZE)
        tlb_protect_page(opaque, offset);
    else
        tlb_protect(opaque);
}

/* The same for a region; from another thread, so the TLB is left to the CPU's own. */
static void region_watched(void *opaque)
{
    vcpu_attention(opaque, ATTN_PROTECT);
}

Vcpu *vcpu_new(const CpuModel *model, struct Bus *mem, struct Bus *io, struct Ram *ram)
{
    Vcpu *v = large_new0(sizeof *v);
    v->model = model;
    v->mem = mem;
    v->io = io;
    v->ram = ram;
    v->a20_mask = UINT64_MAX;
    v->debug_access = debug_data_access;
    v->code = codecache_new(ram, model->features, insn_bind, CODE_POOL_BYTES);
    codecache_set_vcpu(v->code, v);
    if (ram) {
        v->tlb_writable = g_new0(uint64_t, ram->size / PAGE_SIZE / 64 + 1);
        ram->watch_added = watch_added;
        ram->watch_added_opaque = v;
    }
    if (mem)
        bus_set_protector(mem, region_watched, v);
    vcpu_reset(v);
    return v;
}

void vcpu_free(Vcpu *v)
{
    if (!v)
        return;
    if (v->ram)
        v->ram->watch_added = NULL;
    if (v->mem)
        bus_set_protector(v->mem, NULL, NULL);
    codecache_free(v->code);
    g_free(v->tlb_writable);
    large_free(v, sizeof *v);
}
