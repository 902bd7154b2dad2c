/*
 * Split views: code is fetched from one place and data from another.
 *
 * In a split Space the guest's own pages are mapped at their own addresses without execute permission, and copies of its code
 * (frontend/codecopy.h) elsewhere; the sandbox's CS has a base that leads there, which code can not see: EIP, and so what calls
 * push, is an offset. What may not run natively is HLT in the copy and as ever to who reads it.
 *
 * Elsewhere has to be where no data access of the guest's may succeed, today or later: guests allocate memory by a page fault
 * that a copy would prevent. That is where the guest's kernel is. User code lies at both ends of a space three times as large, so
 * there are two windows, each with its base, and the one that EIP is in is used:
 *
 *     guest   |low window |                              |high window|kernel                              |
 *     sandbox |own pages, not executable                             |high's copies     |low's copies |  |
 *
 * CS ends where its window does. Below the high window's beginning its base leads to pages that are not executable. So a jump
 * from one window into the other stops, by #GP or #PF, and goes on with the other base. Data segments end where the kernel begins.
 */
#pragma once

#include "decision/space.h"
#include "frontend/codecopy.h"

typedef struct ViewPool ViewPool;

/* Room for copies: a memfd. NULL: the host refuses it, there are no split views. */
ViewPool *viewpool_new(void);
void viewpool_free(ViewPool *p);
int viewpool_fd(const ViewPool *p);

/* A copy of a code page. */
typedef struct View {
    uint32_t page; /* RAM page that it is of */
    uint32_t slot; /* in the pool */
    uint8_t head;  /* bytes at its beginning that belong to an instruction on the page before */
    CodeCopy copy;
} View;

/* A part of the guest's addresses that code may be in, and what has to be added to them. */
typedef struct Window {
    Gva begin, end;
    uint32_t base;
} Window;

/* Where the guest's kernel begins, above all user pages; room for windows. False: s can not be split. */
bool views_place(Space *s);
/* The window of a linear address. False: it is in none. */
bool views_window(const Space *s, Gva addr, Window *w);
/* The copy of the page at addr; NULL: none. */
View *view_at(const Space *s, Gva addr);
/* Copy the page at addr, which is RAM page number page, and map it. start: an instruction that begins there or on the page before. */
bool view_map(Space *s, Gva addr, uint32_t page, Gva start, unsigned code_size);
/* The page at addr has no copy any more. tell: unmap it as well. */
void view_drop(Space *s, Gva addr, bool tell);
/* Execution reached addr, and its instruction is not in the copy: can it be? True: now it is. */
bool view_extend(Space *s, Gva addr);
/* Execution goes on at addr, perhaps in the middle of what was taken for an instruction: look at what begins there, unless that was done. */
void view_saw(Space *s, Gva addr);
/* Is addr known to be what is left out? Then there is no need to try. */
bool view_lacks(const Space *s, Gva addr);
