/* The PCI BIOS as INT 1Ah offers it, with what needs POST's tables; the BIOS32 directory is in bios32.S. */
#include "bios/bios.h"
#include "bios/pcibios.h"

bool pcibios_service(Regs *r);

/* B10Eh, get routing options: ES:DI has a size and a far pointer to the buffer; $PIR's slots are that table. */
static u8 get_routing(Regs *r)
{
    u16 pir = SHARED_FIELD(pir_offset), bytes, room, seg, off;

    if (!pir) {
        return 0x81;
    }
    bytes = *(const u16 GSEG *)(u32)(pir + 6) - 32;
    room = peek16(r->es, r->di);
    off = peek16(r->es, r->di + 2);
    seg = peek16(r->es, r->di + 4);
    poke16(r->es, r->di, bytes);
    if (room < bytes) {
        return 0x89;                    /* buffer too small */
    }
    far_copy(seg, off, BIOS_SEG, pir + 32, bytes);
    r->bx = 1 << 10 | 1 << 11;          /* lines for PCI alone */
    return 0;
}

bool pcibios_service(Regs *r)
{
    r->ah = r->al == 0x0e ? get_routing(r) : pcibios_call((PciRegs *)&r->edi);
    return r->ah == 0;
}

extern u8 GSEG bios32_header[];

void pcibios_init(void)
{
    u8 sum = 0;

    for (int i = 0; i < 16; i++) {
        sum += bios32_header[i];
    }
    bios32_header[10] -= sum;
}
