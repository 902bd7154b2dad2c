/* PCI BIOS 2.1 (RB INT 1A/AH=B1h). Compiled twice: with -m16 for INT 1Ah, and with -m32 into position-independent code
 * for the BIOS32 entry, so it uses no data but its arguments and calls nothing outside this file. */
#include "bios/pcibios.h"

enum { PCI_OK = 0x00, PCI_UNSUPPORTED = 0x81, PCI_BAD_VENDOR = 0x83, PCI_NOT_FOUND = 0x86, PCI_BAD_REGISTER = 0x87 };

static u8 find(PciRegs *r, bool by_class, u32 key)
{
    u16 index = r->si;

    if (!by_class && (key & 0xffff) == 0xffff) {
        return PCI_BAD_VENDOR;
    }
    for (u32 bdf = 0; bdf < 0x100; bdf++) {
        u32 id = pci_read32(bdf, 0);

        if ((bdf & 7) && !(pci_read8(bdf & ~7u, 0x0e) & 0x80)) {
            bdf |= 7;
            continue;
        }
        if ((id & 0xffff) == 0xffff) {
            continue;
        }
        if ((by_class ? pci_read32(bdf, 8) >> 8 : id) == key && !index--) {
            r->bx = bdf;
            return PCI_OK;
        }
    }
    return PCI_NOT_FOUND;
}

u8 pcibios_call(PciRegs *r)
{
    u16 bdf = r->bx, reg = r->di;

    switch (r->al) {
    case 0x01:                          /* installation check */
        r->edx = 0x20494350;            /* "PCI " */
        r->ax = 0x0001;                 /* configuration mechanism 1 */
        r->bx = 0x0210;
        r->cx = (r->cx & 0xff00);       /* last bus: 0 */
        return PCI_OK;
    case 0x02:
        return find(r, false, (u32)r->cx << 16 | r->dx);
    case 0x03:
        return find(r, true, r->ecx & 0xffffff);
    case 0x08:
        r->cx = (r->cx & 0xff00) | pci_read8(bdf, reg);
        return PCI_OK;
    case 0x09:
        if (reg & 1) {
            return PCI_BAD_REGISTER;
        }
        r->cx = pci_read16(bdf, reg);
        return PCI_OK;
    case 0x0a:
        if (reg & 3) {
            return PCI_BAD_REGISTER;
        }
        r->ecx = pci_read32(bdf, reg);
        return PCI_OK;
    case 0x0b:
        pci_write8(bdf, reg, r->cx);
        return PCI_OK;
    case 0x0c:
        if (reg & 1) {
            return PCI_BAD_REGISTER;
        }
        pci_write16(bdf, reg, r->cx);
        return PCI_OK;
    case 0x0d:
        if (reg & 3) {
            return PCI_BAD_REGISTER;
        }
        pci_write32(bdf, reg, r->ecx);
        return PCI_OK;
    }
    return PCI_UNSUPPORTED;
}
