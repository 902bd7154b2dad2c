/* The registers of a PCI BIOS call, in the order PUSHA leaves them. */
#ifndef BIOS_PCIBIOS_H
#define BIOS_PCIBIOS_H

#include "bios/types.h"

typedef struct PciRegs {
    union { u32 edi; u16 di; };
    union { u32 esi; u16 si; };
    u32 ebp, esp;
    union { u32 ebx; u16 bx; };
    union { u32 edx; u16 dx; };
    union { u32 ecx; u16 cx; };
    union { u32 eax; u16 ax; u8 al; };
} PciRegs;

/* Returns AH's status, 0 for success. */
u8 pcibios_call(PciRegs *r);

#endif
