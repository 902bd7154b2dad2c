/*
 * Debug registers' bits and #DB, for the parts of src/cpu/ that raise it. SDM 3B 17.2
 */
#pragma once

#include "cpu/cpu.h"

#define DR6_B(n) (1u << (n))
#define DR6_BD 0x2000u
#define DR6_BS 0x4000u
#define DR6_BT 0x8000u
#define DR6_FIXED 0xffff0ff0u /* always one */
#define DR7_FIXED 0x400u
#define DR7_GD 0x2000u

/* #DB after the instruction (or task switch) at whose end we are: rip is already the next one's. */
_Noreturn void debug_raise_trap(Vcpu *v, uint32_t dr6);
/* I/O breakpoints: note a hit on a port access of size bytes. CR4.DE must be set for them. */
void debug_io_access(Vcpu *v, uint16_t port, unsigned size);
