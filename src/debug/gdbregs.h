/*
 * Registers as gdb numbers them, and the target description that tells it so.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "vcpu.h"

/*
 * target.xml, for qXfer:features:read; static. real_mode: gdb is told i8086, for which it disassembles 16-bit code (it does not
 * let its user choose against the description); registers are the same.
 */
const char *gdbregs_xml(bool real_mode);

unsigned gdbregs_count(void);
/* Bytes of register n, at most 16; 0: no such register. */
unsigned gdbregs_size(unsigned n);
/* Copy register n, little-endian, into buf. Returns its size. */
unsigned gdbregs_read(const Vcpu *v, unsigned n, uint8_t *buf);
/*
 * Set register n from buf (its size in bytes). False when it can't be: a selector without descriptor, a control register
 * combination that the CPU refuses, a read-only register. Machine lock held, CPU standing still.
 */
bool gdbregs_write(Vcpu *v, unsigned n, const uint8_t *buf);
