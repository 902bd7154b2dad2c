/*
 * Guest and host code in words: for -d out_asm and shadow mode's report.
 */
#pragma once

#include "tcache/internal.h"

/* The block's guest instructions, from the bytes that are in memory now. */
void listing_guest(const TCache *c, const TransBlock *b, GString *out);
/* Its host code. */
void listing_host(const TCache *c, const TransBlock *b, GString *out);
