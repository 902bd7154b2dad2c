/*
 * Model-specific registers, as far as systems of the i686's age touch them, and the time stamp counter. SDM 4
 *
 * Reading or writing any other MSR is #GP(0), which is how such systems find out what exists.
 */
#include "cpu/handlers.h"

#include <x86intrin.h>

#include "softmmu/mmu.h"
#include "softmmu/storelog.h"

enum {
    MSR_P5_MC_ADDR = 0x00, MSR_P5_MC_TYPE = 0x01, MSR_TSC = 0x10, MSR_PLATFORM_ID = 0x17, MSR_APIC_BASE = 0x1b,
    MSR_EBL_CR_POWERON = 0x2a, MSR_BIOS_UPDT_TRIG = 0x79, MSR_BIOS_SIGN = 0x8b, MSR_PERFCTR0 = 0xc1, MSR_PERFCTR1 = 0xc2,
    MSR_MTRRCAP = 0xfe, MSR_BBL_CR_CTL = 0x119, MSR_BBL_CR_CTL3 = 0x11e, MSR_SYSENTER_CS = 0x174, MSR_SYSENTER_ESP = 0x175,
    MSR_SYSENTER_EIP = 0x176, MSR_MCG_CAP = 0x179, MSR_MCG_STATUS = 0x17a, MSR_EVNTSEL0 = 0x186, MSR_EVNTSEL1 = 0x187,
    MSR_MISC_ENABLE = 0x1a0, MSR_DEBUGCTL = 0x1d9, MSR_LASTBRANCHFROM = 0x1db, MSR_LASTINTTO = 0x1de,
    MSR_MTRR_BASE0 = 0x200, MSR_MTRR_FIX64K = 0x250, MSR_MTRR_FIX16K_80 = 0x258, MSR_MTRR_FIX16K_A0 = 0x259,
    MSR_MTRR_FIX4K_C0 = 0x268, MSR_PAT = 0x277, MSR_MTRR_DEF = 0x2ff, MSR_MC0_CTL = 0x400,
    MSR_EFER = 0xc0000080, MSR_STAR = 0xc0000081, MSR_TSC_AUX = 0xc0000103,
};

#define MTRR_VARIABLE 8
#define MTRRCAP_FIX 0x100
#define MTRRCAP_WC 0x400
#define MC_BANKS 4
#define BEYOND_PHYS (~(uint64_t)0 << PHYS_BITS)
#define APIC_BASE_RESERVED (BEYOND_PHYS | 0x6ff) /* all below the address but BSP and enable. SDM 3A figure 10-5 */

static uint64_t tsc_raw(Vcpu *v)
{
    uint64_t tsc;
    if (G_UNLIKELY(v->log != NULL) && storelog_replayed(v->log, "TSC", &tsc))
        return tsc;
    tsc = v->tsc ? v->tsc(v->tsc_opaque) : __rdtsc();
    if (G_UNLIKELY(v->log != NULL))
        storelog_remember(v->log, "TSC", tsc);
    return tsc;
}

static uint64_t tsc_read(Vcpu *v)
{
    return tsc_raw(v) + v->msr.tsc_offset;
}

/* The plain register behind an MSR number, NULL if it is not one of those. */
static uint64_t *plain(Vcpu *v, uint32_t n)
{
    Msrs *m = &v->msr;
    switch (n) {
    case MSR_BIOS_SIGN: return &m->bios_sign;
    case MSR_SYSENTER_CS: return cpu_has(v, F_SEP) ? &m->sysenter_cs : NULL;
    case MSR_SYSENTER_ESP: return cpu_has(v, F_SEP) ? &m->sysenter_esp : NULL;
    case MSR_SYSENTER_EIP: return cpu_has(v, F_SEP) ? &m->sysenter_eip : NULL;
    case MSR_MCG_STATUS: return cpu_has_system(v, C_MCA) ? &m->mcg_status : NULL;
    case MSR_MISC_ENABLE: return &m->misc_enable;
    case MSR_STAR: return cpu_has(v, F_SYSCALL) ? &m->star : NULL;
    case MSR_TSC_AUX: return cpu_has(v, F_RDTSCP) ? &m->tsc_aux : NULL;
    default: return NULL;
    }
}

/* MTRRs and machine check banks: registers with rules about their values. */
static uint64_t *ruled(Vcpu *v, uint32_t n)
{
    Msrs *m = &v->msr;
    if (n == MSR_PAT)
        return cpu_has_system(v, C_PAT) ? &m->pat : NULL;
    if (n >= MSR_MC0_CTL && n < MSR_MC0_CTL + 4 * MC_BANKS)
        return cpu_has_system(v, C_MCA) ? &m->mc[(n - MSR_MC0_CTL) / 4][n % 4] : NULL;
    if (!cpu_has_system(v, C_MTRR))
        return NULL;
    if (n >= MSR_MTRR_BASE0 && n < MSR_MTRR_BASE0 + 2 * MTRR_VARIABLE)
        return n & 1 ? &m->mtrr_mask[(n - MSR_MTRR_BASE0) / 2] : &m->mtrr_base[(n - MSR_MTRR_BASE0) / 2];
    switch (n) {
    case MSR_MTRR_DEF: return &m->mtrr_def;
    case MSR_MTRR_FIX64K: return &m->mtrr_fixed[0];
    case MSR_MTRR_FIX16K_80: return &m->mtrr_fixed[1];
    case MSR_MTRR_FIX16K_A0: return &m->mtrr_fixed[2];
    default: break;
    }
    if (n >= MSR_MTRR_FIX4K_C0 && n < MSR_MTRR_FIX4K_C0 + 8)
        return &m->mtrr_fixed[3 + n - MSR_MTRR_FIX4K_C0];
    return NULL;
}

/* Read as zero, writes have no effect: microcode updates, performance counters, last branches, cache control. */
static bool is_inert(const Vcpu *v, uint32_t n)
{
    switch (n) {
    case MSR_P5_MC_ADDR: case MSR_P5_MC_TYPE: case MSR_PLATFORM_ID: case MSR_EBL_CR_POWERON: case MSR_BIOS_UPDT_TRIG:
        return true;
    case MSR_PERFCTR0: case MSR_PERFCTR1: case MSR_EVNTSEL0: case MSR_EVNTSEL1: case MSR_BBL_CR_CTL: case MSR_BBL_CR_CTL3:
        return (v->model->signature >> 8 & 15) >= 6;
    default:
        return n >= MSR_LASTBRANCHFROM && n <= MSR_LASTINTTO;
    }
}

static bool has_efer(const Vcpu *v)
{
    return cpu_has_system(v, C_NX) || cpu_has(v, F_SYSCALL);
}

static uint64_t msr_read(Vcpu *v, uint32_t n)
{
    uint64_t *reg = plain(v, n);
    if (!reg)
        reg = ruled(v, n);
    if (reg)
        return *reg;
    switch (n) {
    case MSR_TSC:
        return tsc_read(v);
    case MSR_APIC_BASE:
        if (!cpu_has_system(v, C_APIC))
            break;
        return v->apic_msr ? v->apic_msr(v->apic_opaque, false, 0) : v->msr.apic_base;
    case MSR_MTRRCAP:
        if (!cpu_has_system(v, C_MTRR))
            break;
        return MTRRCAP_WC | MTRRCAP_FIX | MTRR_VARIABLE;
    case MSR_MCG_CAP:
        if (!cpu_has_system(v, C_MCA))
            break;
        return MC_BANKS;
    case MSR_DEBUGCTL:
        return v->msr.debugctl;
    case MSR_EFER:
        if (!has_efer(v))
            break;
        return v->efer;
    default:
        if (is_inert(v, n))
            return 0;
    }
    fault_gp0(v);
}

/* Memory types: UC, WC, WT, WP, WB, and UC- in the PAT only. SDM 3A tables 11-8, 11-10 */
static bool types_valid(uint64_t value, bool pat)
{
    unsigned allowed = 1 << 0 | 1 << 1 | 1 << 4 | 1 << 5 | 1 << 6 | (pat ? 1 << 7 : 0);
    for (int n = 0; n < 8; n++) {
        unsigned type = value >> n * 8 & 0xff;
        if (type > 7 || !(allowed >> type & 1))
            return false;
    }
    return true;
}

static bool rule_allows(uint32_t n, uint64_t value)
{
    if (n >= MSR_MC0_CTL && n % 4 == 0) /* CTL: P6 CPUs take all ones or zeros. SDM 3B 15.3.2.1 */
        return value == 0 || value == UINT64_MAX;
    if (n >= MSR_MC0_CTL) /* STATUS may only be cleared. SDM 3B 15.3.2.2 */
        return n % 4 != 1 || value == 0;
    if (n == MSR_PAT)
        return types_valid(value, true);
    if (n == MSR_MTRR_DEF)
        return !(value & ~(uint64_t)0xcff) && types_valid(value & 0xff, false);
    if (n >= MSR_MTRR_FIX64K)
        return types_valid(value, false);
    if (value & BEYOND_PHYS)
        return false;
    if (n & 1)
        return !(value & 0x7ff);
    return !(value & 0xf00) && types_valid(value & 0xff, false);
}

static void efer_write(Vcpu *v, uint64_t value)
{
    uint64_t allowed = (cpu_has_system(v, C_NX) ? EFER_NXE : 0) | (cpu_has(v, F_SYSCALL) ? EFER_SCE : 0);
    if (value & ~allowed)
        fault_gp0(v);
    if ((value ^ v->efer) & EFER_NXE)
        tlb_flush_all(v);
    v->efer = value;
}

static void msr_write(Vcpu *v, uint32_t n, uint64_t value)
{
    uint64_t *reg = plain(v, n);
    if (reg) {
        *reg = value;
        return;
    }
    reg = ruled(v, n);
    if (reg) {
        if (!rule_allows(n, value))
            fault_gp0(v);
        *reg = value;
        return;
    }
    switch (n) {
    case MSR_TSC:
        v->msr.tsc_offset = value - tsc_raw(v);
        return;
    case MSR_APIC_BASE:
        if (!cpu_has_system(v, C_APIC) || (value & APIC_BASE_RESERVED))
            break;
        v->msr.apic_base = v->apic_msr ? v->apic_msr(v->apic_opaque, true, value) : value;
        return;
    case MSR_DEBUGCTL: /* LBR, BTF and the pin bits: kept, without effect but for BTF's being refused */
        if (value & ~(uint64_t)0x3d)
            break;
        v->msr.debugctl = value;
        return;
    case MSR_EFER:
        if (!has_efer(v))
            break;
        efer_write(v, value);
        return;
    default:
        if (is_inert(v, n))
            return;
    }
    fault_gp0(v);
}

static void set_edx_eax(Vcpu *v, uint64_t value)
{
    v->gpr[R_AX].d = value;
    v->gpr[R_DX].d = value >> 32;
}

void op_rdmsr(Vcpu *v, const Insn *i)
{
    if (v->cpl != 0)
        fault_gp0(v);
    set_edx_eax(v, msr_read(v, v->gpr[R_CX].d));
}

void op_wrmsr(Vcpu *v, const Insn *i)
{
    if (v->cpl != 0)
        fault_gp0(v);
    msr_write(v, v->gpr[R_CX].d, (uint64_t)v->gpr[R_DX].d << 32 | v->gpr[R_AX].d);
}

static void check_tsd(Vcpu *v)
{
    if ((v->cr4 & CR4_TSD) && v->cpl != 0)
        fault_gp0(v);
}

void op_rdtsc(Vcpu *v, const Insn *i)
{
    check_tsd(v);
    set_edx_eax(v, tsc_read(v));
}

void op_rdtscp(Vcpu *v, const Insn *i)
{
    check_tsd(v);
    set_edx_eax(v, tsc_read(v));
    v->gpr[R_CX].d = v->msr.tsc_aux;
}

/* Two counters, which never count. */
void op_rdpmc(Vcpu *v, const Insn *i)
{
    if (v->cpl != 0 && !(v->cr4 & CR4_PCE))
        fault_gp0(v);
    if (v->gpr[R_CX].d > 1)
        fault_gp0(v);
    set_edx_eax(v, 0);
}
