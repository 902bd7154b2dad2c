/*
 * Between monitor.c and the files of commands. A command appends to out; args is what follows its name, without spaces
 * around it.
 */
#pragma once

#include "debug/monitor.h"

typedef struct MonCommand {
    const char *name, *args, *help;
    void (*run)(Monitor *mon, const char *args, GString *out);
    bool moves; /* it stops or starts the machine itself */
} MonCommand;

struct Monitor {
    Machine *m;
    const Symbols *symbols;
    Tracer *tracer;
    Chardev *chr;
    unsigned buttons;     /* held by mouse_button */
    uint64_t examine_at;  /* where x goes on */
    struct LineEdit *edit;
};

extern const MonCommand mon_commands[], mon_info[]; /* ended by a NULL name */

/* "info WORD". */
void moncmd_info(Monitor *mon, const char *args, GString *out);
/* monmem.c */
void moncmd_x(Monitor *mon, const char *args, GString *out);
void moncmd_xp(Monitor *mon, const char *args, GString *out);
void moncmd_print(Monitor *mon, const char *args, GString *out);
void moncmd_gva2gpa(Monitor *mon, const char *args, GString *out);
void moninfo_mem(Monitor *mon, const char *args, GString *out);
void moninfo_tlb(Monitor *mon, const char *args, GString *out);
/* A number, register ($eip), symbol or expression at *p, which moves behind it. False: none, and out says what is wrong. */
bool monitor_expression(Monitor *mon, const char **p, uint64_t *value, GString *out);
