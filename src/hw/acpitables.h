/*
 * The ACPI tables of the board, handed to the BIOS through fw_cfg: the blobs etc/acpi/tables and etc/acpi/rsdp, and
 * the script etc/table-loader that tells it where to put them, what to relocate and what to sum.
 */
#pragma once

#include "hw/fwcfg.h"

typedef struct AcpiTablesConfig {
    uint32_t pci_window; /* where PCI memory starts; it ends below the I/O APIC */
    bool apic;           /* local and I/O APIC present: make a MADT */
    bool hpet;
    unsigned serials;    /* bit n: COM(n+1) present */
    unsigned parallels;  /* bit n: LPT(n+1) present */
    unsigned floppies;   /* drives */
} AcpiTablesConfig;

void acpitables_install(FwCfg *fwcfg, const AcpiTablesConfig *config);
