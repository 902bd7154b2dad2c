/*
 * SMBIOS: the machine describes itself to the guest's inventory (dmidecode), by the files etc/smbios/smbios-anchor
 * and etc/smbios/smbios-tables of fw_cfg. The BIOS places them, and adds its own structure (type 0) if it has one.
 */
#pragma once

#include "hw/fwcfg.h"

/* uuid: 16 bytes in the order in which a UUID is written; zeros: none. */
void smbios_install(FwCfg *fwcfg, uint64_t ram_size, const uint8_t *uuid);
