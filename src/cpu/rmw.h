/*
 * Read-modify-write of a memory operand.
 *
 * RMW(N, v, i, x, expression): x is the old value (type uintN_t); the expression is the new one. Permission to write is
 * checked before the read, so a fault changes nothing. SDM 3A 4.7: a locked or plain RMW is a write access.
 */
#pragma once

#include "cpu/cpu.h"
#include "cpu/hostflags.h"

#define RMW(N, v, i, x, expression)                                                                                    \
    do {                                                                                                               \
        Gva rmw_addr = seg_lin_write(v, (i)->seg, insn_ea(v, i), N / 8);                                               \
        Hva rmw_host = lin_write_fast(v, rmw_addr, N / 8, (v)->mmu_idx);                                               \
        if (G_LIKELY(rmw_host)) {                                                                                      \
            uint##N##_t x = *(Mem##N *)rmw_host;                                                                       \
            *(Mem##N *)rmw_host = (expression);                                                                        \
        } else {                                                                                                       \
            lin_probe(v, rmw_addr, N / 8, ACCESS_WRITE, (v)->mmu_idx);                                                 \
            uint##N##_t x = lin_read##N(v, rmw_addr);                                                                  \
            lin_write##N(v, rmw_addr, (expression));                                                                   \
        }                                                                                                              \
    } while (0)
