/* Where things are, for C, assembly and linker scripts. All addresses are linear. */
#ifndef BIOS_LAYOUT_H
#define BIOS_LAYOUT_H

#define BIOS_LINEAR    0xf0000      /* the 16-bit services, segment F000 */
#define POST32_LINEAR  0xe0000      /* the 32-bit part of POST */
#define ROM_ALIAS      0xffff0000   /* F0000's twin below 4 GiB */
#define SHARED_OFFSET  0xd000       /* Shared, bios/shared.h, in segment F000 */
#define POOL_OFFSET    0xd800       /* tables that must be found in F0000-FFFFF: MP, SMBIOS, PIR */
#define POOL_END       0xe000
#define EBDA_SEG       0x9f40       /* 3 KiB below 640 KiB */
#define EBDA_KIB       3
#define EBDA_STACK_BUSY 0xc6        /* in the EBDA: its stack is in use */
#define EBDA_STACK_TOP 0xc00        /* in the EBDA: 2 KiB and more below are a stack */
#define POST_STACK     0x7000
/* Linux judges by the year: before 2001 it mistrusts ACPI, from 2015 on it expects a laptop's. */
#define BIOS_DATE      "11/21/14"
#define BIOS_DATE_LONG "11/21/2014"

#endif
