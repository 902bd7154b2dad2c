/*
 * Guest memory as a debugger reads and writes it: no faults, no A or D bits, no data breakpoints. Machine lock held, CPU
 * standing still.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vcpu.h"

/* Bytes that could be read from linear addr on before an unmapped page; addresses wrap at 4 GiB. */
size_t debug_read(Vcpu *v, uint64_t addr, void *buf, size_t len);
/* ROM is written too, as a debugger may. */
size_t debug_write(Vcpu *v, uint64_t addr, const void *buf, size_t len);

/* Physical addresses; what nothing answers for reads as ones. Devices are read byte by byte, with what effects that has. */
void debug_read_phys(Vcpu *v, uint64_t gpa, void *buf, size_t len);
void debug_write_phys(Vcpu *v, uint64_t gpa, const void *buf, size_t len);
