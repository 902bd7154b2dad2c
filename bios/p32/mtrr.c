/* Memory types (SDM 3A 12.11): RAM is write-back, the VGA window and PCI memory uncached, ROM shadows write-protected.
 * Operating systems take the MTRRs as they find them. */
#include "bios/p32/p32.h"

#define CPUID_MSR 0x20
#define CPUID_MTRR 0x1000
#define MTRR_CAP 0xfe
#define MTRR_PHYS_BASE0 0x200
#define MTRR_PHYS_MASK0 0x201
#define MTRR_FIX_64K 0x250
#define MTRR_FIX_16K_80000 0x258
#define MTRR_FIX_16K_A0000 0x259
#define MTRR_FIX_4K_C0000 0x268
#define MTRR_DEF_TYPE 0x2ff

#define CAP_FIXED 0x100
#define DEF_ENABLE 0x800
#define DEF_FIXED 0x400
#define TYPE_UC 0
#define TYPE_WP 5
#define TYPE_WB 6
#define MASK_VALID 0x800

static void wrmsr(u32 msr, u32 low, u32 high)
{
    asm volatile("wrmsr" : : "c"(msr), "a"(low), "d"(high));
}

static void write_fixed(u32 msr, u8 type)
{
    wrmsr(msr, type * 0x01010101u, type * 0x01010101u);
}

void mtrr_init(void)
{
    u32 cap, high, eax, ebx, ecx, edx, physical = 36;

    if (!cpuid(1, &eax, &ebx, &ecx, &edx) || !(edx & CPUID_MSR) || !(edx & CPUID_MTRR)) {
        return;
    }
    if (cpuid(0x80000000, &eax, &ebx, &ecx, &edx) && eax >= 0x80000008) {
        cpuid(0x80000008, &eax, &ebx, &ecx, &edx);
        physical = eax & 0xff;
    }
    asm volatile("rdmsr" : "=a"(cap), "=d"(high) : "c"(MTRR_CAP));
    wrmsr(MTRR_DEF_TYPE, 0, 0);
    if (cap & CAP_FIXED) {
        write_fixed(MTRR_FIX_64K, TYPE_WB);
        write_fixed(MTRR_FIX_16K_80000, TYPE_WB);
        write_fixed(MTRR_FIX_16K_A0000, TYPE_UC);
        for (u32 i = 0; i < 8; i++) {
            write_fixed(MTRR_FIX_4K_C0000 + i, TYPE_WP);
        }
    }
    if (cap & 0xff) {                   /* from the first half GiB boundary above RAM to 4 GiB */
        u32 base = SHARED->low_ram > 0xc0000000u ? 0xe0000000u : 0xc0000000u;

        wrmsr(MTRR_PHYS_BASE0, base | TYPE_UC, 0);
        wrmsr(MTRR_PHYS_MASK0, base | MASK_VALID, physical > 32 ? (1u << (physical - 32)) - 1 : 0);
    }
    wrmsr(MTRR_DEF_TYPE, DEF_ENABLE | (cap & CAP_FIXED ? DEF_FIXED : 0) | TYPE_WB, 0);
}
