/*
 * struct user_regs_struct and user_fpregs_struct, without the page constants that sys/user.h brings along and that
 * softmmu/ram.h has of its own. To be included before softmmu headers.
 */
#pragma once

#include <sys/user.h>

#undef PAGE_SHIFT
#undef PAGE_SIZE
#undef PAGE_MASK
